import { expect, test } from "vitest";
import { keySlot } from "../../../src/slot.js";
import { type Step, schedule } from "../../chaos/schedule.js";
import { keysOf, SHARDS, shardOf } from "../../chaos/shards.js";

const names = ["a", "b", "c", "d"];
const first = (seed: number, count: number): Step[] => [...take(schedule(seed, names, [10, 20]), count)];

test("the same seed gives the same schedule, another one another", () => {
	expect(first(7, 40)).toEqual(first(7, 40));
	expect(first(7, 40)).not.toEqual(first(8, 40));
});

test("a fault that is to come first does, and the others as they would", () => {
	const [step, ...rest] = take(schedule(7, names, [10, 20], "c"), 12);
	const others = (steps: Step[]): string[] => steps.map(({ fault }) => fault).filter((fault) => fault !== "c");
	expect(step?.fault).toBe("c");
	expect(others(rest)).toEqual(others(first(7, 12)));
	expect([...take(schedule(7, names, [10, 20], "unknown"), 12)]).toEqual(first(7, 12));
});

test("every fault comes once before any comes again; shards and rests are within their bounds", () => {
	const steps = first(3, 40);
	for (let at = 0; at < 40; at += 4)
		expect(
			steps
				.slice(at, at + 4)
				.map(({ fault }) => fault)
				.sort(),
		).toEqual(names);
	for (const { restMs, shard, other, force } of steps) {
		expect(restMs).toBeGreaterThanOrEqual(10);
		expect(restMs).toBeLessThanOrEqual(20);
		expect(other).not.toBe(shard);
		for (const each of [shard, other]) expect([0, 1, 2]).toContain(each);
		expect(force).toBeGreaterThanOrEqual(0);
		expect(force).toBeLessThanOrEqual(1);
	}
	expect(steps.map(({ number }) => number)).toEqual(steps.map((_, i) => i + 1));
});

test("keys are of the shard they are listed for, and no two clients share one", () => {
	const all = [0, 1, 2, 3].flatMap((client) =>
		keysOf(client).flatMap(({ registers, counters }, shard) => {
			for (const key of [...registers, ...counters]) expect(shardOf(keySlot(key))).toBe(shard);
			return [...registers, ...counters];
		}),
	);
	expect(new Set(all).size).toBe(all.length);
	expect([shardOf(0), shardOf(5460), shardOf(5461), shardOf(10_922), shardOf(10_923), shardOf(16_383)]).toEqual([
		0, 0, 1, 1, 2, 2,
	]);
	expect(keysOf(0)).toHaveLength(SHARDS);
});

function* take<T>(from: Iterator<T>, count: number): Generator<T> {
	for (let i = 0; i < count; i++) yield from.next().value;
}
