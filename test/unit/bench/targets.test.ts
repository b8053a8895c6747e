import { describe, expect, test } from "vitest";
import { formatRatio, judge } from "../../../bench/report/judge.js";
import { type Target, targetGroups } from "../../../bench/report/targets.js";
import type { Cell, Outcome } from "../../../src/cli/bench/results.js";
import { cell, find, measured, results } from "./fixtures.js";

const GET = "get-512B-x1";

const rate: Target = {
	topology: "standalone",
	workload: GET,
	figure: "rate",
	against: { best: "peer", by: "rate" },
	bound: 2,
};
const cpuOfBest: Target = { ...rate, figure: "cpu", bound: 0.8 };
const cpuOfFloor: Target = { ...rate, figure: "cpu", against: { client: "floor" }, bound: 1.5 };
const memory: Target = { ...rate, figure: "peakRss", against: { best: "peer", by: "peakRss" }, bound: 1.3 };

function get(outcomes: Record<string, Outcome>): Cell {
	return cell("standalone", GET, outcomes);
}

const failed: Outcome = { failed: "it ended" };
const unsupported: Outcome = { unsupported: true };

describe("the table of targets", () => {
	const targets = targetGroups.flatMap(({ targets }) => targets);

	test("names workloads of the standard run only, also those it compares with", () => {
		for (const { topology, workload, against } of targets) {
			expect(find(topology, workload).standard, workload).toBe(true);
			if (against.workload !== undefined) expect(find(topology, against.workload).standard, against.workload).toBe(true);
		}
	});

	test("says nothing twice", () => {
		const subjects = targets.map(({ bound: _, ...subject }) => JSON.stringify(subject));
		expect(new Set(subjects).size).toBe(subjects.length);
	});

	test("asks the floor for nothing on clusters, where it does not run", () => {
		const onClusters = targets.filter(({ topology }) => topology !== "standalone");
		expect(onClusters.length).toBeGreaterThan(0);
		for (const { against } of onClusters) expect(against).not.toHaveProperty("client", "floor");
	});
});

describe("the verdict", () => {
	test("a rate reaches its bound from above, a cost from below", () => {
		const run = (slotwire: object, peer: object) => results(get({ slotwire: measured(slotwire), ioredis: measured(peer) }));
		expect(judge(rate, run({ rate: 200 }, { rate: 100 })).state).toBe("reached");
		expect(judge(rate, run({ rate: 199 }, { rate: 100 })).state).toBe("not reached");
		expect(judge(cpuOfBest, run({ cpu: 80 }, { cpu: 100 })).state).toBe("reached");
		expect(judge(cpuOfBest, run({ cpu: 81 }, { cpu: 100 })).state).toBe("not reached");
	});

	test("divides the medians of the rounds, not their means, nor the median of their ratios", () => {
		const slotwire = measured({ rate: 100 }, { rate: 300 }, { rate: 9000 });
		const ioredis = measured({ rate: 200 }, { rate: 1 }, { rate: 100 });
		expect(judge(rate, results(get({ slotwire, ioredis })))).toMatchObject({ state: "reached", ratio: 3 });
	});

	test("the best peer is neither slotwire, nor the floor, nor Bun's client, however fast they are", () => {
		const fast = measured({ rate: 1000 });
		const run = results(
			get({
				slotwire: fast,
				floor: fast,
				bun: fast,
				ioredis: measured({ rate: 10 }),
				iovalkey: measured({ rate: 50 }),
				glide: measured({ rate: 20 }),
			}),
		);
		expect(judge(rate, run)).toMatchObject({ client: "iovalkey", ratio: 20 });
	});

	test("CPU is compared with the fastest peer, not with the one that uses least", () => {
		const run = results(
			get({
				slotwire: measured({ cpu: 50 }),
				ioredis: measured({ rate: 200, cpu: 100 }),
				iovalkey: measured({ rate: 100, cpu: 10 }),
			}),
		);
		expect(judge(cpuOfBest, run)).toMatchObject({ client: "ioredis", ratio: 0.5 });
	});

	test("memory is compared with the leanest peer, by the highest of its rounds", () => {
		const run = results(
			get({
				slotwire: measured({ peakRss: 100 }, { peakRss: 130 }),
				ioredis: measured({ rate: 200, peakRss: 500 }),
				iovalkey: measured({ rate: 100, peakRss: 100 }),
			}),
		);
		expect(judge(memory, run)).toMatchObject({ state: "reached", client: "iovalkey", ratio: 1.3 });
	});

	test("a tail is compared with the lowest of another way to read, slotwire's own loop among them", () => {
		const read = { topology: "cluster-3", workload: "mget-128-2KiB-tagged", figure: "p95" } as const;
		const run = results(
			cell("cluster-3", "mget-128-2KiB-tagged", { slotwire: measured({ p95: 10 }), ioredis: measured({ p95: 1 }) }),
			cell("cluster-3", "loop-128-2KiB-tagged", {
				slotwire: measured({ p95: 100 }),
				ioredis: measured({ p95: 150 }),
				bun: measured({ p95: 120 }),
			}),
		);
		const workload = "loop-128-2KiB-tagged";
		const ofClients: Target = { ...read, against: { best: "client", by: "p95", workload }, bound: 0.1 };
		const ofPeers: Target = { ...read, against: { best: "peer", by: "p95", workload }, bound: 0.1 };
		expect(judge(ofClients, run)).toMatchObject({ state: "reached", client: "slotwire", ratio: 0.1 });
		expect(judge(ofPeers, run)).toMatchObject({ client: "ioredis" });
	});
});

describe("without figures", () => {
	const other = measured({});

	test("a cell, slotwire, or the other that is not there: not measured", () => {
		expect(judge(rate, results()).state).toBe("not measured");
		expect(judge(rate, results(get({ ioredis: other }))).state).toBe("not measured");
		expect(judge(rate, results(get({ slotwire: other, floor: other, bun: other }))).state).toBe("not measured");
		expect(judge(cpuOfFloor, results(get({ slotwire: other, ioredis: other }))).state).toBe("not measured");
		expect(judge(cpuOfFloor, results(get({ slotwire: other, floor: unsupported }))).state).toBe("not measured");
	});

	test("slotwire, the floor, or every peer failed: failed, with who and why", () => {
		expect(judge(rate, results(get({ slotwire: failed, ioredis: other })))).toEqual({
			state: "failed",
			why: "slotwire: it ended",
		});
		expect(judge(cpuOfFloor, results(get({ slotwire: other, floor: failed })))).toEqual({
			state: "failed",
			why: "floor: it ended",
		});
		expect(judge(rate, results(get({ slotwire: other, ioredis: failed, glide: unsupported })))).toEqual({
			state: "failed",
			why: "ioredis: it ended",
		});
	});

	test("one peer failed: the others decide, and the verdict names it", () => {
		const run = results(get({ slotwire: measured({ rate: 300 }), ioredis: failed, iovalkey: other }));
		expect(judge(rate, run)).toMatchObject({ state: "reached", client: "iovalkey", failed: ["ioredis"] });
	});
});

test("a ratio is rounded to slotwire's disadvantage, so that a missed bound never looks reached", () => {
	expect(formatRatio({ figure: "rate" }, 0.9699)).toBe("0.96");
	expect(formatRatio({ figure: "rate" }, 0.97)).toBe("0.97");
	expect(formatRatio({ figure: "cpu" }, 1.1001)).toBe("1.11");
	expect(formatRatio({ figure: "cpu" }, 1.1)).toBe("1.10");
});
