import { describe, expect, test } from "vitest";
import { Counter } from "../../chaos/counter.js";

/** Incremented to `count`, acknowledged at 1000, 2000, … */
function counted(count: number): Counter {
	const counter = new Counter("n");
	for (let i = 1; i <= count; i++) {
		counter.issue();
		expect(counter.acknowledged(i, counter.floor, i * 1000, true)).toBeNull();
	}
	return counter;
}

describe("a reply", () => {
	test("is above everything acknowledged before, and given once", () => {
		const counter = counted(2);
		const { floor } = counter;
		for (let i = 0; i < 4; i++) counter.issue();
		expect(counter.acknowledged(2, floor, 0, true)).toBe("n: incremented to 2 after 2 was acknowledged");
		expect(counter.acknowledged(4, floor, 0, true)).toBeNull();
		expect(counter.acknowledged(4, floor, 0, true)).toBe("n: incremented to 4 twice");
		expect(counter.acknowledged(4, floor, 0, false)).toBeNull();
	});

	test("is not above everything that was asked for", () => {
		const counter = counted(2);
		counter.issue();
		expect(counter.acknowledged(4, 2, 0, false)).toBe("n: incremented to 4, though only 3 were asked for");
	});

	test("while a failover may lose the last two seconds before it, is above what is older", () => {
		const counter = counted(4);
		counter.forget(1500);
		expect(counter.floorSince(4500)).toBe(2);
		for (let i = 0; i < 2; i++) counter.issue();
		// New increments would make up for those that were lost, and hide them from the next baseline.
		expect(counter.acknowledged(2, counter.floorSince(4500), 9000, false)).toBe("n: incremented to 2 after 2 was acknowledged");
		expect(counter.acknowledged(3, counter.floorSince(4500), 9000, false)).toBeNull();
	});

	test("an increment of unknown outcome may count, a refused one may not", () => {
		const counter = counted(2);
		for (let i = 0; i < 3; i++) counter.issue();
		counter.failed(true);
		counter.failed(false);
		expect(counter.acknowledged(4, 2, 0, true)).toBeNull();
		expect(counter.rebase(5, null).wrong).toBe("n: 5 is outside of 3 to 4");
	});
});

describe("a new baseline", () => {
	test.each([
		[3, null],
		[2, "n: 2 is outside of 3 to 3"],
		[4, "n: 4 is outside of 3 to 3"],
	])("without a failover: %i after three", (value, wrong) => {
		expect(counted(3).rebase(value, null).wrong).toBe(wrong);
	});

	test("a failover may lose the last two seconds before it", () => {
		expect(counted(4).rebase(2, 4500)).toEqual({ lost: 2, wrong: null });
		expect(counted(4).rebase(1, 4500)).toEqual({ lost: 3, wrong: "n: 1 is outside of 2 to 4" });
		expect(counted(4).rebase(5, 4500).wrong).toBe("n: 5 is outside of 2 to 4");
	});

	test("forgetting keeps the count", () => {
		const counter = counted(4);
		counter.forget(3500);
		expect(counter.rebase(2, 5000)).toEqual({ lost: 2, wrong: "n: 2 is outside of 3 to 4" });
	});

	test("what counts from then on is what was there", () => {
		const counter = counted(4);
		counter.rebase(3, 4500);
		counter.issue();
		expect(counter.acknowledged(4, counter.floor, 0, true)).toBeNull();
		expect(counter.rebase(4, null)).toEqual({ lost: 0, wrong: null });
	});
});
