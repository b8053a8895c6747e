/** A header that announces far too much makes every later reply a part of it. The connection must not be kept for the bytes that it brings. */
import { describe, expect, test } from "vitest";
import { createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { outcomeOf, recovers } from "../support/hostile.js";

const HONEST = "$6\r\nhonest\r\n";

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each([
		"*1000000\r\n",
		"$100000000\r\n",
	])("A25 C18 after %j calls end by their deadlines, and soon on another connection", async (header) => {
		await using node = await FakeNode.start();
		node.always(["GET"], (_, { index }) => (index === 0 ? "" : HONEST));
		node.expect(["GET", "k"]).reply(header);
		// As replies do, so that the connection is never silent.
		node.always(["INCR"], ":1\r\n").always(["PING"], "+PONG\r\n");
		const timeouts = { commandMs: 300, suspectMs: 200, closeMs: 100 };
		await using client = await createClient({ url: node.url, protocol, retry: { baseMs: 1, maxMs: 4 }, timeouts });
		expect(await outcomeOf(client.get("k"))).toBe("TIMEOUT");
		const swallowed = setInterval(() => void outcomeOf(client.command("INCR", "n")), 20);
		await recovers(client, "k", "honest").finally(() => clearInterval(swallowed));
		expect(node.connections.length).toBeGreaterThan(1);
	});
});
