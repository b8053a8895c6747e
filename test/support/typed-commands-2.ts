/**
 * Typed commands, as tables: what each call is answered with wherever it is made, what is refused before a byte is sent, and which replies
 * are none.
 */
import { inspect, isDeepStrictEqual } from "node:util";
import { expect, inject, test } from "vitest";
import type { Commands } from "../../src/commands/commands.js";
import type { Surface } from "../../src/commands/surface.js";
import { type Client, createClient } from "../../src/index.js";
import { FakeNode } from "./fake-node.js";

/** What a client, a pipeline and a transaction have in common. */
export type Typed = Commands<string, Surface>;

/** A name becomes a key; all of one run have the same slot. */
export type KeyOf = (name: string) => string;

/** What a bulk string becomes: text, or a Buffer. */
export type Bulk = (text: string) => unknown;

/** A call, and its reply. Those of one table build on each other. */
export type Step = readonly [call: (on: Typed, key: KeyOf) => unknown, reply: (text: Bulk, key: KeyOf) => unknown];

/** A call, and a part of the error that it is refused with. */
export type Refusal = readonly [call: (on: Typed) => unknown, error: { code: string; index?: number; field?: string }];

/** A call, and bytes that cannot be its reply. */
export type Misshapen = readonly [call: (on: Typed) => unknown, reply: string];

/** A call, the words that it sends, a reply in the bytes of the wire, and what becomes of it. */
export type OnTheWire = readonly [call: (on: Typed) => unknown, words: string, reply: string, result: unknown];

const topologies = ["standalone", "cluster"] as const;
const protocols = [2, 3] as const;
/** What gathers commands and sends them by `exec()`: whatever of these a client has. */
const gatherings = ["pipeline", "multi"] as const;

/** Every call of a table, one by one and gathered, on every topology, in both protocols and reply types. */
export function repliesEverywhere(title: string, steps: readonly Step[]): void {
	for (const topology of topologies) {
		for (const protocol of protocols) {
			test(`A31 ${title}: one by one and gathered, on a ${topology} under RESP${protocol}, strings and Buffers`, async () => {
				await using client = await createClient({ url: urlOf(topology), protocol });
				const prefix = `typed:${title}:${protocol}`;
				await expectReplies(client, steps, (text) => text, `${prefix}:strings`);
				await expectReplies(client.buffers, steps, (text) => Buffer.from(text), `${prefix}:buffers`);
			});
		}
	}
}

function urlOf(topology: (typeof topologies)[number]): string {
	return inject(topology === "cluster" ? "clusterUrl" : "standaloneUrl");
}

async function expectReplies(client: Client | Client<Buffer>, steps: readonly Step[], text: Bulk, prefix: string): Promise<void> {
	const alone: KeyOf = (name) => `{${prefix}:alone}${name}`;
	for (const [call, reply] of steps) expectReply(await call(client as never, alone), reply(text, alone), call);

	for (const how of gatherings) {
		const key: KeyOf = (name) => `{${prefix}:${how}}${name}`;
		const gathering = (client as unknown as { [how: string]: (() => { exec(): Promise<unknown[]> }) | undefined })[how]?.();
		if (gathering === undefined) continue;
		for (const [call] of steps) call(gathering as never, key);
		const replies = await gathering.exec();
		expect(replies).toHaveLength(steps.length);
		for (const [i, [call, reply]] of steps.entries()) expectReply(replies[i], reply(text, key), call, `in a ${how}: `);
	}
}

/** Exactly: -0 is not 0, a record without a prototype none with one, and a field `__proto__` is a field. */
function expectReply(got: unknown, wanted: unknown, call: unknown, where = ""): void {
	const right = wanted instanceof Judged ? wanted.accepts(got) : isDeepStrictEqual(got, wanted);
	if (!right) expect.fail(`${where}${call}\n  gave ${inspect(got)}\n  and not ${inspect(wanted)}`);
}

/** Every call of a table is refused: by the client, which only rejects, and by a pipeline, which throws at once. Nothing is sent. */
export function refusedEverywhere(title: string, everywhere: readonly Refusal[], onClusters: readonly Refusal[]): void {
	for (const topology of topologies) {
		test(`${title}, on a ${topology}`, async () => {
			// Nothing of the client's own comes in between.
			await using client = await createClient({ url: urlOf(topology), pool: { pingMs: 0 }, cluster: { refreshMs: 0 } });
			const { commands } = client.stats();
			for (const [call, error] of topology === "cluster" ? [...everywhere, ...onClusters] : everywhere) {
				await expect(call(client as never), `${call}`).rejects.toMatchObject(error);
				const pipeline = client.pipeline();
				expect(
					caught(() => call(pipeline as never)),
					`in a pipeline: ${call}`,
				).toMatchObject(error);
				expect(pipeline.length).toBe(0);
			}
			expect(client.stats().commands).toBe(commands);
		});
	}
}

function caught(call: () => unknown): unknown {
	try {
		return call();
	} catch (error) {
		return error;
	}
}

/** Every reply of a table is a PROTOCOL error for its call alone: the next call on the same connection gets its own. */
export function misshapenReplies(title: string, table: readonly Misshapen[]): void {
	for (const protocol of protocols) {
		test(`A31 ${title}, under RESP${protocol}`, async () => {
			await using node = await FakeNode.start();
			await using client = await createClient({ url: node.url, protocol });
			for (const [call, reply] of table) {
				for (let i = 0; i < 2; i++) {
					node.expect(() => true).reply(reply);
					node.expect(["GET", "next"]).reply("$4\r\nmine\r\n");
				}
				const error = { code: "PROTOCOL", message: expect.stringMatching(/unexpected shape/), maybeExecuted: true };
				await expect(call(client as never), `${call}`).rejects.toMatchObject(error);
				expect(await client.get("next")).toBe("mine");

				const pipeline = client.pipeline();
				call(pipeline as never);
				pipeline.get("next");
				expect(await pipeline.exec(), `in a pipeline: ${call}`).toMatchObject([error, "mine"]);
			}
			expect(node.connections).toHaveLength(1);
		});
	}
}

/** For commands that servers in use may not have yet: exact words, and what their documented replies become. */
export function wordsAndReplies(title: string, table: readonly OnTheWire[]): void {
	test(`A31 ${title}`, async () => {
		for (const protocol of protocols) {
			await using node = await FakeNode.start();
			await using client = await createClient({ url: node.url, protocol });
			for (const [call, words, reply, result] of table) {
				node.expect(words.split(" ")).reply(reply);
				expectReply(await call(client as never), result, call);
			}
		}
	});
}

/** Where the server has a choice. */
class Judged {
	readonly accepts: (got: unknown) => boolean;
	readonly of: readonly unknown[];

	constructor(of: readonly unknown[], accepts: (got: unknown) => boolean) {
		this.of = of;
		this.accepts = accepts;
	}
}

/** A list of the same items, in whatever order. */
export function inAnyOrder(items: readonly unknown[]): unknown {
	return new Judged(items, (got) => {
		const left = [...items];
		if (!Array.isArray(got) || got.length !== left.length) return false;
		return got.every((one) => {
			const at = left.findIndex((item) => isDeepStrictEqual(item, one));
			return at !== -1 && left.splice(at, 1).length === 1;
		});
	});
}

/** One of some items; with `count` a list of so many, of which some may be the same. */
export function someOf(items: readonly unknown[], count?: number): unknown {
	const known = (one: unknown): boolean => items.some((item) => isDeepStrictEqual(item, one));
	return new Judged(items, (got) =>
		count === undefined ? known(got) : Array.isArray(got) && got.length === count && got.every(known),
	);
}

/** A record without a prototype. */
export function record(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
	const result: Record<string, unknown> = Object.create(null);
	for (const [field, value] of entries) result[field] = value;
	return result;
}

/** What refuses an argument, by its index among the words. */
export function argument(index: number): { code: string; index: number } {
	return { code: "INVALID_ARGUMENT", index };
}

/** What refuses an option, by its field. */
export function option(field: string): { code: string; field: string } {
	return { code: "INVALID_OPTION", field };
}
