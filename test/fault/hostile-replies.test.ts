/** Commands that are answered with damaged frames: each settles, and the client is well once its node is. */
import { describe, expect, test } from "vitest";
import { createClient } from "../../src/index.js";
import { readCorpus } from "../fuzz/corpus.js";
import { FakeNode } from "../support/fake-node.js";
import { HostileAnswers, patientAtFirst, recovers, tally } from "../support/hostile.js";

const corpus = readCorpus();
const CLIENTS = 8;
const CALLS = 60;

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("A06 A25 every call has a value or a typed error, and the next honest reply is read", async () => {
		await using node = await FakeNode.start();
		const hostile = new HostileAnswers(protocol === 2 ? [...corpus.resp2, ...corpus.resp3] : corpus.resp3);
		for (const name of ["GET", "MGET", "HGETALL", "INCR"]) node.always([name], hostile.answer);
		const options = { url: node.url, protocol, ...patientAtFirst };
		const clients = await Promise.all(Array.from({ length: CLIENTS }, () => createClient(options)));
		const target = Buffer.alloc(64);
		const outcomes = await tally(clients, CALLS, (client, at) => {
			switch (at % 6) {
				case 0:
					return client.buffers.get("k");
				case 1:
					return client.mget(["a", "b", "c"]);
				case 2:
					return client.command("HGETALL", "h");
				case 3:
					return client.command("INCR", "n");
				case 4:
					return client.buffers.getInto("k", at % 12 === 4 ? target : Buffer.alloc(4));
				default:
					return client.get("k");
			}
		});
		expect([...outcomes.values()].reduce((sum, count) => sum + count, 0)).toBe(CLIENTS * CALLS);
		expect([...outcomes.keys()]).toEqual(expect.arrayContaining(["value", "PROTOCOL", "CONNECTION", "BATCH"]));
		expect(hostile.served).toBeGreaterThan(CLIENTS * CALLS);
		node.always(["GET"], "$6\r\nhonest\r\n");
		await Promise.all(clients.map((client) => recovers(client, "k", "honest")));
		await Promise.all(clients.map((client) => client.close()));
	});
});
