/** Which slots count as read, whatever moves meanwhile. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Coverage, type Look, readNodes } from "../../../src/commands/scan-coverage.js";
import { SLOT_COUNT } from "../../../src/slot.js";

const empty = { read: [], halfRead: [] };

function look(id: string, slots: Look["slots"], more: Partial<Look> = {}): Look {
	const fields = { isPrimary: true, epoch: 1, leaving: new Map(), served: [], known: [] };
	return { ...fields, id, slots, ...more };
}

describe("D50 CLUSTER NODES", () => {
	const nodes = [
		"aaa 127.0.0.1:7000@17000,host myself,master - 0 0 7 connected 0-99 200 [100->-bbb] [150-<-ccc]",
		"bbb 127.0.0.1:7001@17001 master - 0 1 3 connected 300-16383",
		"ccc 127.0.0.1:7002@17002 slave bbb 0 1 3 disconnected",
		"",
	].join("\n");

	test("says who answers, what it serves, what comes and goes", () => {
		expect(readNodes(nodes)).toEqual({
			id: "aaa",
			isPrimary: true,
			epoch: 7,
			slots: [
				[0, 99],
				[200, 200],
			],
			leaving: new Map([[100, "bbb"]]),
			served: [
				[0, 99],
				[200, 200],
				[300, 16_383],
			],
			known: ["aaa", "bbb", "ccc"],
		});
		expect(readNodes(nodes.replace("myself,master", "master").replace("slave", "myself,slave"))).toMatchObject({
			id: "ccc",
			isPrimary: false,
			slots: [],
		});
	});

	test.each([
		null,
		5,
		"",
		"aaa",
		"aaa b c",
		nodes.replace("myself,", ""),
		nodes.replace("0-99", "0-16384"),
		nodes.replace("0-99", "9-3"),
		nodes.replace(" 7 ", " x "),
	])("%j is none", (reply) => {
		expect(() => readNodes(reply)).toThrow(expect.objectContaining({ code: "PROTOCOL" }));
	});
});

describe("D50 what is read", () => {
	const whole = look("a", [[0, 99]]);

	function passed(pass: Look, later: Look, coverage = new Coverage(empty), sources: Look[] = []): Coverage {
		coverage.credit(coverage.begin(pass), later, sources);
		return coverage;
	}

	test("slots that a node served before and after its pass", () => {
		expect(passed(whole, whole).read).toEqual([[0, 99]]);
		expect(passed(whole, look("a", [[10, 120]])).read).toEqual([[10, 99]]);
	});

	test("not of one that took slots, is a replica or another node by then", () => {
		expect(passed(whole, look("a", [[0, 99]], { epoch: 2 })).read).toEqual([]);
		expect(passed(whole, look("a", [[0, 99]], { isPrimary: false })).read).toEqual([]);
		expect(passed(whole, look("b", [[0, 99]])).read).toEqual([]);
	});

	test("a slot on its way is read when both nodes were, the one that it goes to last", () => {
		const source = look("a", [[0, 9]], { leaving: new Map([[5, "b"]]) });
		const target = look("b", [[10, 19]]);
		const coverage = passed(target, target);
		passed(source, source, coverage);
		expect(coverage.read).toEqual([
			[0, 4],
			[6, 19],
		]);
		expect(coverage.halfRead).toEqual([[5, "b", "a", 1]]);
		expect(coverage.due([source, target]).map(({ id }) => id)).toEqual(["b"]);
		passed(target, target, coverage, [source, target]);
		expect(coverage.read).toEqual([[0, 19]]);
		expect(coverage.halfRead).toEqual([]);
		expect(coverage.isComplete([[0, 19]])).toBe(true);
	});

	test("the other half does not count where the slot arrived meanwhile, went another way or back, or its node is gone", () => {
		const source = look("a", [[0, 9]], { leaving: new Map([[5, "b"]]) });
		const target = look("b", [[10, 19]]);
		const arrived = look("b", [
			[5, 5],
			[10, 19],
		]);
		const elsewhere = look("a", [[0, 9]], { leaving: new Map([[5, "c"]]) });
		const again = look("a", [[0, 9]], { epoch: 2, leaving: new Map([[5, "b"]]) });
		const rest = look("a", [[0, 9]]);
		for (const now of [elsewhere, again, rest, look("a", [[0, 4]]), look("c", [[0, 9]])]) {
			const coverage = passed(source, source);
			passed(target, arrived, coverage, [now]);
			expect(coverage.has(5)).toBe(false);
			expect(coverage.has(10)).toBe(true);
		}
		expect(
			passed(source, source)
				.due([source])
				.map(({ id }) => id),
		).toEqual(["a"]);
	});

	test("sources are scanned before those that their slots go to; nodes that are read, and replicas, not at all", () => {
		const target = look("b", [[10, 19]]);
		const source = look("a", [[0, 9]], { leaving: new Map([[5, "b"]]) });
		const replica = look("c", [], { isPrimary: false });
		const coverage = new Coverage(empty);
		expect(coverage.due([target, replica, source]).map(({ id }) => id)).toEqual(["a", "b"]);
		passed(target, target, coverage);
		expect(coverage.due([target, replica, look("a", [[0, 9]])]).map(({ id }) => id)).toEqual(["a"]);
		expect(coverage.isComplete([])).toBe(false);
	});

	/** Keys that never go away, each in its slot; slots go from node to node in one piece, or key by key; a node that takes a slot takes an epoch. */
	test("whatever moves between the pages of a pass, a slot counts as read only when its keys were", () => {
		const nodes = ["a", "b", "c"];
		const SLOTS = 6;
		const step = fc.record({ slot: fc.nat(SLOTS - 1), to: fc.nat(2), what: fc.constantFrom("begin", "key", "finish") });
		fc.assert(
			fc.property(fc.array(fc.array(step, { maxLength: 4 }), { minLength: 40, maxLength: 60 }), (turns) => {
				const owner = Array.from({ length: SLOTS }, (_, slot) => nodes[slot % 3]!);
				const epochs = new Map(nodes.map((id, i) => [id, i + 1]));
				const going = new Map<number, string>();
				// Two keys a slot, and where each is.
				const place = Array.from({ length: SLOTS * 2 }, (_, key) => owner[key >> 1]!);
				const seen = new Set<number>();
				const coverage = new Coverage(empty);
				const move = ({ slot, to, what }: { slot: number; to: number; what: string }): void => {
					const target = nodes[to]!;
					if (what === "begin" && owner[slot] !== target && !going.has(slot)) going.set(slot, target);
					const goal = going.get(slot);
					if (goal === undefined || what === "begin") return;
					if (what === "key") {
						const key = [slot * 2, slot * 2 + 1].find((each) => place[each] !== goal);
						if (key !== undefined) place[key] = goal;
						return;
					}
					place[slot * 2] = place[slot * 2 + 1] = goal;
					owner[slot] = goal;
					going.delete(slot);
					const highest = Math.max(...epochs.values());
					if (epochs.get(goal) !== highest) epochs.set(goal, highest + 1);
				};
				const everybody = (): Look[] => nodes.map(ask);
				const ask = (id: string): Look => {
					const own = owner.flatMap((each, slot) => (each === id ? [[slot, slot] as const] : []));
					const leaving = new Map([...going].filter(([slot]) => owner[slot] === id));
					return look(id, own, { epoch: epochs.get(id)!, leaving });
				};
				let turn = 0;
				const pause = (): void => {
					for (const each of turns[turn++ % turns.length]!) move(each);
				};
				for (let round = 0; round < 8; round++) {
					for (const { id } of coverage.due(nodes.map(ask))) {
						const before = coverage.begin(ask(id));
						for (let key = 0; key < SLOTS * 2; key++) {
							if (place[key] === id) seen.add(key);
							if (key % 3 === 1) pause();
						}
						const after = ask(id);
						pause();
						coverage.credit(before, after, everybody());
						for (let slot = 0; slot < SLOTS; slot++) {
							if (coverage.has(slot)) expect([...seen]).toEqual(expect.arrayContaining([slot * 2, slot * 2 + 1]));
						}
						pause();
					}
				}
				// Once it is quiet everything is read.
				going.clear();
				for (let key = 0; key < SLOTS * 2; key++) place[key] = owner[key >> 1]!;
				for (let round = 0; round < 3; round++) {
					for (const { id } of coverage.due(nodes.map(ask))) {
						for (let key = 0; key < SLOTS * 2; key++) if (place[key] === id) seen.add(key);
						coverage.credit(coverage.begin(ask(id)), ask(id), everybody());
					}
				}
				expect(coverage.isComplete([[0, SLOTS - 1]])).toBe(true);
				expect(seen.size).toBe(SLOTS * 2);
			}),
			{ numRuns: 300 },
		);
	});

	test("it is what it was when it is read out and in again", () => {
		const slot = fc.nat(SLOT_COUNT - 1);
		fc.assert(
			fc.property(fc.uniqueArray(slot), fc.array(fc.tuple(slot, fc.string(), fc.string(), fc.nat())), (slots, halves) => {
				const one = new Coverage({ read: slots.map((each) => [each, each] as const), halfRead: halves });
				const two = new Coverage({ read: one.read, halfRead: one.halfRead });
				expect(two.read).toEqual(one.read);
				expect(two.halfRead).toEqual(one.halfRead);
				expect(two.progress).toBe(one.progress);
			}),
		);
	});
});
