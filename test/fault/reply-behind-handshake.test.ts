/** A reply that came before anything was asked answers nothing, also when it came together with the handshake's last one. */
import { describe, expect, test } from "vitest";
import { createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("A26 what follows the handshake's last reply in one chunk is nobody's: the command that waits is asked elsewhere", async () => {
		await using node = await FakeNode.start();
		node.always(["GET"], "$5\r\nright\r\n");
		await using client = await createClient({ url: node.url, protocol, retry: { baseMs: 1, maxMs: 4 } });
		const liar = 1;
		node.always(["CLIENT", "SETINFO", "LIB-VER"], (_, { index }) => (index === liar ? "+OK\r\n$5\r\nwrong\r\n" : "+OK\r\n"));
		node.connections[0]?.reset();
		const values = await Promise.all(Array.from({ length: 3 }, () => client.get("k")));
		expect(values).toEqual(["right", "right", "right"]);
		expect(node.connections[liar]?.commands.filter(([name]) => name === "GET")).toEqual([]);
	});
});
