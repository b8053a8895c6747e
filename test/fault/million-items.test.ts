/** A million items: only those under way are commands, and the process stays small beside what its caller holds. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerCluster, type ServerNode, startCluster, startStandalone } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";

const MILLION = 1_000_000;
/** Keys that the values are spread over: enough for every slot, few enough for the server's memory. */
const KEYS = 20_000;
const MIB = 1024 * 1024;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

let server: ServerNode;
let cluster: ServerCluster;
beforeAll(async () => {
	[server, cluster] = await Promise.all([startStandalone(), startCluster()]);
});
afterAll(() => Promise.all([server?.stop(), cluster?.stop()]));

interface Peak {
	/** Commands accepted and not answered, at most, as far as looks every few milliseconds can tell. */
	commands: number;
	/** Bytes on the heap and in Buffers that are in use beyond what there was before, at most. */
	bytes: number;
}

/** Garbage is nobody's memory: what is measured is what a collection leaves. */
function used(): number {
	collect();
	const { heapUsed, external } = process.memoryUsage();
	return heapUsed + external;
}

async function peakOf<T>(client: Client, run: () => Promise<T>): Promise<{ result: T; peak: Peak }> {
	const before = used();
	const peak: Peak = { commands: 0, bytes: 0 };
	let looks = 0;
	const timer = setInterval(() => {
		peak.commands = Math.max(peak.commands, client.stats().inFlight);
		if (looks++ % 40 === 0) peak.bytes = Math.max(peak.bytes, used() - before);
	}, 5);
	try {
		return { result: await run(), peak };
	} finally {
		clearInterval(timer);
	}
}

describe.each([
	["standalone", 1],
	["cluster", 3],
] as const)("%s", (topology, nodes) => {
	test("E15 setMany of a million entries with one value, then mget of a million keys", async () => {
		const { url } = topology === "cluster" ? cluster : server;
		await using client = await createClient({ url, timeouts: { commandMs: 60_000 } });
		const value = "v".repeat(1024);
		const key = (i: number): string => `m${i % KEYS}`;
		// The last entry of each key has a value of its own.
		const own = (i: number): string => `own ${i % KEYS}`;
		const entries = Array.from({ length: MILLION }, (_, i) => [key(i), i < MILLION - KEYS ? value : own(i)] as const);
		const set = await peakOf(client, () => client.setMany(entries));
		expect(set.result).toHaveLength(MILLION);
		expect(set.result.every((result) => result === "OK")).toBe(true);
		expect(set.peak.commands).toBeGreaterThan(0);
		// Two chunks of 256 for each node.
		expect(set.peak.commands).toBeLessThanOrEqual(2 * 256 * nodes);
		entries.length = 0;

		const keys = Array.from({ length: MILLION }, (_, i) => key(i));
		const read = await peakOf(client, () => client.mget(keys));
		expect(read.result).toHaveLength(MILLION);
		for (let i = 0; i < MILLION; i += 997) expect(read.result[i]).toBe(own(i));
		expect(read.result[MILLION - 1]).toBe(own(MILLION - 1));
		expect(read.peak.commands).toBeLessThanOrEqual(2 * 256 * nodes);
		// Columns and results; a command each would be several times as much.
		for (const { bytes } of [set.peak, read.peak]) expect(bytes).toBeLessThan(64 * MIB);
	}, 60_000);
});
