/** Handshakes that are answered with damaged frames: a client that is made is made for good, or its call rejects by its deadline. */
import { describe, expect, test } from "vitest";
import { type ClientOptions, createClient } from "../../src/index.js";
import { readCorpus } from "../fuzz/corpus.js";
import { bulk, slotsOf } from "../support/fake-cluster.js";
import { FakeNode } from "../support/fake-node.js";
import { HostileAnswers, impatient, outcomeOf } from "../support/hostile.js";

const { handshakes } = readCorpus();
const AT_ONCE = 25;
const ROUNDS = 6;

async function useOnce(options: ClientOptions): Promise<unknown> {
	await using client = await createClient(options);
	return await client.get("k");
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each(["redis", "redis-cluster"])("C01 C02 A25 createClient of %s:// gives a client, or a typed error", async (scheme) => {
		await using node = await FakeNode.start();
		const hostile = new HostileAnswers(handshakes);
		for (const name of ["HELLO", "AUTH", "PING", "CLIENT", "SELECT", "READONLY"]) node.always([name], hostile.answer);
		node.always(["CLUSTER", "SLOTS"], slotsOf([node, 0, 16383])).always(["GET"], bulk("v"));
		const url = `${scheme}://alice:sekret@${node.host}:${node.port}`;
		const seen = new Set<string>();
		for (let round = 0; round < ROUNDS; round++) {
			const made = Array.from({ length: AT_ONCE }, async () => {
				seen.add(await outcomeOf(useOnce({ url, protocol, name: "worker", ...impatient })));
			});
			await Promise.all(made);
		}
		for (const outcome of seen) expect(["value", "AUTH", "CLUSTER", "CONNECTION", "PROTOCOL", "TIMEOUT"]).toContain(outcome);
		// Which ones depends on which call gets which answer.
		expect(seen).toContain("AUTH");
		expect(seen.size).toBeGreaterThan(1);
		expect(hostile.served).toBeGreaterThan(AT_ONCE * ROUNDS);
	});
});
