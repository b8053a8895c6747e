import { describe, expect, test } from "vitest";
import type { FaultRecord, Run, Sample } from "../../chaos/run.js";
import { CSV_HEADER, csvLine, minuteOf, parseMinutes, trends } from "../../chaos/soak-minutes.js";
import { noCounts } from "../../chaos/tally.js";
import { failures, faultRows, growth, report } from "../../chaos/verdict.js";

const zero = { p50: 0, p99: 0, max: 0 };

function sample(more: Partial<Sample>): Sample {
	const quiet = { calls: 10, errors: {}, ...noCounts(), items: 90, healthy: zero, all: zero };
	return { atMs: 0, client: 0, ...quiet, heapMiB: 10, rssMiB: 100, sockets: 3, ...more };
}

function fault(more: Partial<FaultRecord>): FaultRecord {
	const step = { number: 1, restMs: 0, fault: "a", shard: 0, other: 1, force: 0, seed: 0 };
	const times = { recoveryMs: [1, 2, 3, 4], messagesMs: [1, 2, 3, 4, 5, 6, 7, 8], entriesMs: [1, 2, 3, 4] };
	return { ...step, shards: [0], atMs: 0, ...times, wholeMs: 10, promoted: 0, lost: 0, ...more };
}

function run(more: Partial<Run>): Run {
	const setup = { seed: 1, minutes: 1, nodeTimeoutMs: 1500, sabotage: null, startedAt: 0 };
	return { ...setup, faults: [fault({})], samples: [sample({})], wrong: [], excused: [], ...more };
}

describe("a run is red", () => {
	test("when anything was wrong, and not when a late call was excused", () => {
		const busy = [sample({ calls: 1000 })];
		expect(failures(run({ excused: ["late"], samples: busy }))).toEqual([]);
		expect(failures(run({ excused: ["late", "late"], samples: busy }))).toHaveLength(1);
		expect(failures(run({ wrong: ["a: the reply is for b"] }))).toEqual(["a: the reply is for b"]);
	});

	test("when it was too short for a fault", () => {
		expect(failures(run({ faults: [] }))).toEqual(["no fault came in that time: the run shows nothing"]);
	});

	test("when a client, a subscription or a consumer did not recover", () => {
		const red = (more: Partial<FaultRecord>) => failures(run({ faults: [fault(more)] }));
		expect(red({ recoveryMs: [1, 2, 3] })).toEqual(["fault 1 (a): recovery is missing 1 times"]);
		expect(red({ messagesMs: [1, 2, 3, 4, 5, 6] })).toEqual(["fault 1 (a): the first message is missing 2 times"]);
		expect(red({ entriesMs: [] })).toEqual(["fault 1 (a): the first new entry is missing 4 times"]);
		expect(red({ shards: [], recoveryMs: [], messagesMs: [], entriesMs: [] })).toEqual([]);
	});

	test("when recovery takes too long in the median, or once", () => {
		expect(failures(run({ faults: [fault({ recoveryMs: [1, 4501, 4501, 4501] })] }))).toEqual([
			"recovery took 4501 ms in the median",
		]);
		expect(failures(run({ faults: [fault({ recoveryMs: [1, 1, 1, 16_501] })] }))).toEqual(["recovery took 16501 ms once"]);
		expect(failures(run({ faults: [fault({ entriesMs: [1, 1, 1, 16_501] })] }))).toEqual([
			"the first new entry took 16501 ms once",
		]);
	});

	test("when the failovers of a kind take too long in the median, however many other faults hardly show", () => {
		const quick = Array.from({ length: 20 }, (_, i) => fault({ number: i + 2 }));
		const slow = fault({ fault: "primary killed", promoted: 1, recoveryMs: [1, 4501, 4501, 4501] });
		expect(failures(run({ faults: [slow, slow, slow, ...quick] }))).toEqual([
			'recovery after "primary killed" took 4501 ms in the median',
		]);
		expect(failures(run({ faults: [slow, slow, ...quick] }))).toEqual([]);
	});

	test("when heap or sockets of a long run grow", () => {
		const minutes = (grow: (minute: number) => Partial<Sample>): Sample[] =>
			Array.from({ length: 11 }, (_, minute) => sample({ atMs: minute * 60_000, ...grow(minute) }));
		const heap = minutes((minute) => ({ heapMiB: 10 + minute }));
		expect(growth(heap)).toEqual(["client 0: heap grew from 12.0 MiB to 19.0 MiB"]);
		expect(growth(minutes((minute) => ({ sockets: minute < 8 ? 3 : 6 })))).toEqual([]);
		expect(growth(minutes((minute) => ({ sockets: minute < 8 ? 3 : 7 })))).toEqual(["client 0: 3 sockets became 7"]);
		expect(growth(minutes((minute) => ({ heapMiB: minute < 2 ? 1 : 10, sockets: minute < 2 ? 1 : 3 })))).toEqual([]);
		expect(failures(run({ minutes: 10, samples: heap }))).toHaveLength(1);
		expect(failures(run({ minutes: 5, samples: heap }))).toEqual([]);
	});
});

test("the report counts by fault and says what was wrong", () => {
	const two = [fault({}), fault({ number: 2, recoveryMs: [5, 6, 7, 8], promoted: 1, lost: 3 }), fault({ number: 3, fault: "b" })];
	expect(faultRows(run({ faults: two }))[0]).toEqual({
		fault: "a",
		times: 2,
		recoveryMs: { median: 4, max: 8 },
		messagesMs: { median: 4, max: 8 },
		entriesMs: { median: 2, max: 4 },
		promoted: 1,
		lost: 3,
	});
	const text = report(
		run({ faults: two, wrong: ["x was read"], sabotage: "desync", samples: [sample({ errors: { TIMEOUT: 2 } })] }),
	);
	expect(text).toContain("client broken on purpose: desync: RED");
	expect(text).toContain("TIMEOUT 2");
	expect(text).toContain("- x was read");
	expect(report(run({}))).toContain(": green");
});

describe("a soak", () => {
	test("has a line for each minute, which can be read again", () => {
		const samples = [
			sample({ atMs: 60_001, errors: { TIMEOUT: 1 } }),
			sample({ atMs: 60_001, client: 1, all: { p50: 1, p99: 9, max: 20 } }),
		];
		const minute = minuteOf(samples, [fault({})]);
		expect(minute).toMatchObject({
			minute: 1,
			calls: 20,
			items: 180,
			errors: 1,
			p99_ms: 9,
			rss_mib: 200,
			sockets: 6,
			fault: "a at shard 0",
		});
		const [read] = parseMinutes(CSV_HEADER + csvLine(minute));
		expect(read).toEqual({ ...minute, error_rate: Number(minute.error_rate.toPrecision(4)) });
	});

	test("rises when its end is above its beginning, the first two minutes left out", () => {
		const rows = Array.from({ length: 30 }, (_, i) => ({
			...minuteOf([sample({ atMs: (i + 1) * 60_000 })], []),
			p99_ms: i < 2 ? 500 : 20,
			rss_mib: 100 + i * 5,
		}));
		expect(
			trends(rows)
				.filter(({ rises }) => rises)
				.map(({ column }) => column),
		).toEqual(["rss_mib"]);
	});
});
