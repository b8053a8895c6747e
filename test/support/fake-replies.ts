/** Typed commands before a fake node: replies that no server gives to them, and commands that servers in use may not have yet. */
import { expect, test } from "vitest";
import { createClient } from "../../src/index.js";
import { FakeNode } from "./fake-node.js";
import type { Call, KeyOf } from "./typed-commands.js";

const asItIs: KeyOf = (name) => name;

/** A call, and bytes that cannot be its reply. */
export interface MisshapenRow {
	call: Call;
	reply: string;
}

/** A call, the words that it sends, a reply in the bytes of the wire, and what becomes of it. */
export interface WireRow extends MisshapenRow {
	words: string;
	expected: unknown;
}

/** Each reply is a PROTOCOL error for its call alone: the next call on the same connection gets its own. */
export function testMisshapen(title: string, table: readonly MisshapenRow[]): void {
	test.each([2, 3] as const)(`A31 ${title}, under RESP%s`, async (protocol) => {
		await using node = await FakeNode.start();
		await using client = await createClient({ url: node.url, protocol });
		for (const { call, reply } of table) {
			for (let i = 0; i < 2; i++) {
				node.expect(() => true).reply(reply);
				node.expect(["GET", "next"]).reply("$4\r\nmine\r\n");
			}
			const error = { code: "PROTOCOL", message: expect.stringMatching(/unexpected shape/), maybeExecuted: true };
			await expect(call(client as never, asItIs), `${call}`).rejects.toMatchObject(error);
			expect(await client.get("next")).toBe("mine");

			const pipeline = client.pipeline();
			call(pipeline as never, asItIs);
			pipeline.get("next");
			expect(await pipeline.exec(), `in a pipeline: ${call}`).toMatchObject([error, "mine"]);
		}
		expect(node.connections).toHaveLength(1);
	});
}

/** Exact words, and what the documented replies to them become. */
export function testOnTheWire(title: string, table: readonly WireRow[]): void {
	test.each([2, 3] as const)(`A31 ${title}, under RESP%s`, async (protocol) => {
		await using node = await FakeNode.start();
		await using client = await createClient({ url: node.url, protocol });
		for (const { call, words, reply, expected } of table) {
			node.expect(words.split(" ")).reply(reply);
			expect(await call(client as never, asItIs), `${call}`).toStrictEqual(expected);
		}
	});
}
