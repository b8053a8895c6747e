/** One workload by every cache. */
import { fileURLToPath } from "node:url";
import type { Cell, Measured } from "../../src/cli/bench/results.js";
import type { Stage } from "../../src/cli/bench/stage.js";
import { Subject } from "../../src/cli/bench/subject.js";
import { type Contestant, type Pace, takeTurns } from "../../src/cli/bench/turns.js";
import type { ServerNode } from "../../src/cli/servers/runtime.js";
import type { CacheEntry } from "./driver.js";
import { type CacheWorkload, requestCount, TTL_MS } from "./workload.js";

/** Requests whose commands, flights and results are looked at before anything is measured. */
const CHECKED_REQUESTS = 8;
const worker = fileURLToPath(new URL("./worker.js", import.meta.url));

/** @param flags of the processes that are measured */
export async function runCacheCell(
	workload: CacheWorkload,
	entries: readonly CacheEntry[],
	stage: Stage,
	pace: Pace,
	flags: readonly string[],
): Promise<Cell<CacheWorkload>> {
	const { nodes, target } = await stage.at(workload);
	await empty(nodes);
	const contestants = entries.map(({ name }): Contestant => {
		const subject = new Subject({ runtime: "node" }, worker, flags);
		return {
			name,
			subject,
			async begin() {
				const { version } = await subject.start(name, target, workload);
				const check = workload.found === "hit" ? checkHits : checkMisses;
				return { version, ...(await check(workload, subject, nodes)) };
			},
			// Each round misses the same keys anew, and the server keeps its size.
			ready: async () => {
				if (workload.found === "miss") await empty(nodes);
			},
		};
	});
	const outcomes = await takeTurns(contestants, pace);
	return { workload, outcomes: Object.fromEntries(entries.map(({ name }, i) => [name, outcomes[i]!])) };
}

type Counted = Pick<Measured, "commands" | "hits" | "flights" | "calls">;

/** It stores all of its values by its own means, and finds them again. */
async function checkHits(workload: CacheWorkload, subject: Subject, nodes: readonly ServerNode[]): Promise<Counted> {
	const requests = requestCount(workload);
	expectMade(await subject.check(requests), requests * workload.keys);
	const counted = await count(subject, nodes, 0);
	if (counted.hits !== workload.keys)
		throw new Error(`the server found ${counted.hits} keys a request instead of ${workload.keys}`);
	return counted;
}

/** It makes each value once, stores it for as long as it was told to, and finds it afterwards. */
async function checkMisses(workload: CacheWorkload, subject: Subject, nodes: readonly ServerNode[]): Promise<Counted> {
	const made = CHECKED_REQUESTS * workload.keys;
	await empty(nodes);
	// Once before it counts: some clients connect to a node, or hand over a script, when the first command comes.
	expectMade(await subject.check(CHECKED_REQUESTS), made);
	await empty(nodes);
	const counted = await count(subject, nodes, made);
	await expectStored(nodes, made);
	expectMade(await subject.check(CHECKED_REQUESTS), 0);
	return counted;
}

async function count(subject: Subject, nodes: readonly ServerNode[], made: number): Promise<Counted> {
	const before = await serverCounts(nodes);
	const checked = await subject.check(CHECKED_REQUESTS);
	const after = await serverCounts(nodes);
	expectMade(checked, made);
	const calls: Record<string, number> = {};
	for (const [name, value] of after.calls) {
		const more = value - (before.calls.get(name) ?? 0);
		if (more > 0) calls[name] = more / CHECKED_REQUESTS;
	}
	return {
		commands: Object.values(calls).reduce((sum, value) => sum + value, 0),
		hits: (after.hits - before.hits) / CHECKED_REQUESTS,
		flights: checked.writes === null ? null : checked.writes / CHECKED_REQUESTS,
		calls,
	};
}

function expectMade({ made = 0 }: { made?: number }, expected: number): void {
	if (made !== expected) throw new Error(`its factory made ${made} values instead of ${expected}`);
}

async function expectStored(nodes: readonly ServerNode[], expected: number): Promise<void> {
	let keys = 0;
	let expiring = 0;
	for (const node of nodes) {
		const [, all = 0, ends = 0] = /^db0:keys=(\d+),expires=(\d+)/m.exec(String(await node.raw("INFO", "keyspace"))) ?? [];
		keys += Number(all);
		expiring += Number(ends);
		if (Number(all) === 0) continue;
		const left = Number(await node.raw("PTTL", String(await node.raw("RANDOMKEY"))));
		if (left > TTL_MS || left < 0.9 * TTL_MS) throw new Error(`it stored a value for ${left} ms instead of ${TTL_MS}`);
	}
	if (keys !== expected) throw new Error(`it stored ${keys} keys instead of ${expected}`);
	if (expiring !== expected) throw new Error(`it stored ${keys - expiring} keys for ever`);
}

async function empty(nodes: readonly ServerNode[]): Promise<void> {
	await Promise.all(nodes.map((node) => node.raw("FLUSHALL")));
}

/** What this benchmark asks itself, and what clients and nodes talk about that belongs to no request. */
const OTHERS = new Set("info flushall randomkey pttl ping hello auth client cluster command select replconf psync".split(" "));

async function serverCounts(nodes: readonly ServerNode[]): Promise<{ calls: Map<string, number>; hits: number }> {
	const calls = new Map<string, number>();
	let hits = 0;
	for (const node of nodes) {
		const stats = String(await node.raw("INFO", "commandstats"));
		for (const [, name = "", count] of stats.matchAll(/^cmdstat_([^:|]+)[^:]*:calls=(\d+)/gm))
			if (!OTHERS.has(name)) calls.set(name, (calls.get(name) ?? 0) + Number(count));
		hits += Number(/^keyspace_hits:(\d+)/m.exec(String(await node.raw("INFO", "stats")))?.[1]);
	}
	return { calls, hits };
}
