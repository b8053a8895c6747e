import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Ledger } from "../../../src/streams/ledger.js";

describe("the ledger of a consumer", () => {
	test("what is above all that came before is given for the first time, when that is certain", () => {
		const ledger = new Ledger();
		expect(ledger.given("1-1", true)).toBe("first");
		expect(ledger.given("2-1", true)).toBe("first");
		expect(ledger.given("10-1", false)).toBe("again");
		expect(ledger.given("9-1", true)).toBe("again");
		expect(ledger.given("11-0", true)).toBe("first");
		expect(ledger).toMatchObject({ size: 5, highest: "11-0" });
	});

	test("what is held is given once, however often the server gives it", () => {
		const ledger = new Ledger();
		ledger.given("1-1", true);
		expect(ledger.given("1-1", true)).toBe("held");
		expect(ledger.given("1-1", false)).toBe("held");
		expect(ledger.knows("1-1")).toBe(true);
	});

	test("an acknowledgement that is under way, or was forgotten by the server, is said again", () => {
		const ledger = new Ledger();
		ledger.given("1-1", true);
		ledger.acking("1-1");
		expect(ledger.given("1-1", true)).toBe("acknowledged");
		ledger.acked("1-1");
		expect(ledger.size).toBe(0);
		expect(ledger.given("1-1", true)).toBe("acknowledged");
		expect(ledger.given("1-1", true)).toBe("acknowledged");
	});

	test("one that failed leaves the entry with its caller", () => {
		const ledger = new Ledger();
		ledger.given("1-1", true);
		ledger.acking("1-1");
		ledger.failed("1-1");
		expect(ledger.given("1-1", true)).toBe("held");
	});

	test("acknowledging what is not held leaves no trace: given later, it is handed out", () => {
		const ledger = new Ledger();
		ledger.acking("1-1");
		ledger.acked("1-1");
		ledger.failed("1-1");
		expect(ledger.knows("1-1")).toBe(false);
		expect(ledger.given("1-1", true)).toBe("first");
	});

	test("what was dropped is said to come again", () => {
		const ledger = new Ledger();
		ledger.given("1-1", true);
		ledger.drop("1-1");
		expect(ledger.size).toBe(0);
		expect(ledger.given("1-1", true)).toBe("again");
	});

	test("it remembers so many acknowledged ids, and says of older ones that they come again", () => {
		const ledger = new Ledger(2);
		for (const id of ["1-1", "2-1", "3-1"]) {
			ledger.given(id, true);
			ledger.acked(id);
		}
		expect(["1-1", "2-1", "3-1"].map((id) => ledger.given(id, true))).toEqual(["again", "acknowledged", "acknowledged"]);
	});

	test("of another stream it knows nothing", () => {
		const ledger = new Ledger();
		for (const id of ["5-1", "6-1"]) ledger.given(id, true);
		ledger.acked("5-1");
		ledger.forget();
		expect(ledger).toMatchObject({ size: 0, highest: null });
		expect(ledger.given("5-1", true)).toBe("first");
	});
});

/** What a group and its consumer may go through, and what the caller was told of each id. */
test("whatever is lost: no entry is handed out twice unless it says so, and none that is pending is kept back", () => {
	const step = fc.record({
		kind: fc.constantFrom("deliver", "lose", "recover", "ack", "ackLost", "ackFailed", "rewind"),
		at: fc.nat(12),
	});
	fc.assert(
		fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 20 }), (steps, window) => {
			const ledger = new Ledger(window);
			// The server's side.
			let added = 0;
			let delivered = 0;
			const pending = new Set<number>();
			// The caller's side.
			const inHand = new Set<number>();
			const handed = new Map<number, number>();
			const done = new Set<number>();
			const hand = (id: number, certain: boolean) => {
				const verdict = ledger.given(`${id}-0`, certain);
				if (verdict === "acknowledged") {
					expect(done.has(id)).toBe(true);
					pending.delete(id);
				} else if (verdict === "held") expect(inHand.has(id)).toBe(true);
				else {
					if (verdict === "first") expect(handed.get(id) ?? 0).toBe(0);
					expect(inHand.has(id)).toBe(false);
					handed.set(id, (handed.get(id) ?? 0) + 1);
					inHand.add(id);
				}
			};
			const acknowledged = (id: number) => {
				inHand.delete(id);
				done.add(id);
				ledger.acked(`${id}-0`);
			};
			const deliver = (): number => {
				if (delivered === added) added++;
				pending.add(++delivered);
				return delivered;
			};
			for (const { kind, at } of steps) {
				const held = [...inHand][at % Math.max(1, inHand.size)];
				if (kind === "deliver") hand(deliver(), true);
				else if (kind === "lose") deliver();
				else if (kind === "recover") for (const id of [...pending].sort((a, b) => a - b)) hand(id, true);
				else if (kind === "rewind") {
					// A failover: the group has forgotten its last deliveries.
					delivered = Math.max(0, delivered - at);
					for (const id of pending) if (id > delivered) pending.delete(id);
				} else if (held !== undefined) {
					ledger.acking(`${held}-0`);
					if (kind === "ackFailed") ledger.failed(`${held}-0`);
					else {
						if (kind === "ack") pending.delete(held);
						acknowledged(held);
					}
				}
				expect(ledger.size).toBe(inHand.size);
			}
			// In the end everything was handed out that the server has delivered.
			while (delivered < added) hand(deliver(), true);
			for (const id of [...pending].sort((a, b) => a - b)) hand(id, true);
			for (let id = 1; id <= added; id++) expect(handed.get(id) ?? 0, String(id)).toBeGreaterThan(0);
			for (const id of pending) expect(inHand.has(id)).toBe(true);
		}),
		{ numRuns: 2000 },
	);
});
