import { describe, expect, test } from "vitest";
import { Flight } from "../../../src/cache/flight.js";
import { FlightTable } from "../../../src/cache/flight-table.js";

describe("S2.1 flights by key", () => {
	test("S2.1 those under way are found, however many came and went", () => {
		const table = new FlightTable<number>();
		const staying = ["a", "b", "c"].map((key) => ({ key, flight: new Flight<number>() }));
		for (const { key, flight } of staying) table.set(key, flight);
		for (let i = 0; i < 1000; i++) {
			const passing = new Flight<number>();
			table.set(`passing:${i}`, passing);
			expect(table.get(`passing:${i}`)).toBe(passing);
			table.forget(`passing:${i}`, passing);
			expect(table.has(`passing:${i}`)).toBe(false);
			for (const { key, flight } of staying) expect(table.get(key)).toBe(flight);
		}
		expect(table.size).toBe(3);
		expect(table.entries()).toEqual(staying.map(({ key, flight }) => [key, flight]));
	});

	test("S2.1 one that began in the place of another stays when that one ends", () => {
		const table = new FlightTable<number>();
		const [first, second] = [new Flight<number>(), new Flight<number>()];
		table.set("a", first);
		table.set("a", second);
		table.forget("a", first);
		expect(table.get("a")).toBe(second);
		table.forget("a", second);
		expect(table.size).toBe(0);
	});

	class Grouped extends Flight<number> {
		readonly key: string;
		over = false;

		constructor(key: string) {
			super();
			this.key = key;
		}
	}

	test.each([
		"get",
		"has",
		"set",
		"size",
		"entries",
	] as const)("S2.1 those of a call for many are found by whoever looks: %s", (look) => {
		const table = new FlightTable<number>();
		const group = ["a", "b", "c"].map((key) => new Grouped(key));
		const [a, b, c] = group as [Grouped, Grouped, Grouped];
		table.beginGroup(group);
		// What is over by then is not found.
		b.over = true;
		const other = new Flight<number>();
		if (look === "get") expect(table.get("a")).toBe(a);
		else if (look === "has") expect([table.has("a"), table.has("b")]).toEqual([true, false]);
		else if (look === "set") table.set("d", other);
		else if (look === "size") expect(table.size).toBe(2);
		else expect(table.entries()).toEqual([["a", a], ["c", c]]); // biome-ignore format: one line
		expect([table.get("a"), table.get("b"), table.get("c"), table.get("d")]).toEqual([
			...[a, undefined, c],
			look === "set" ? other : undefined,
		]);
		// They have left the group: each is forgotten by itself.
		table.endGroup(group);
		expect(table.get("a")).toBe(a);
		table.forget("a", a);
		table.forget("c", c);
		expect(table.size).toBe(look === "set" ? 1 : 0);
	});

	test("S2.1 a group that nobody looked for ends at once; a second one enters beside the first", () => {
		const table = new FlightTable<number>();
		const first = [new Grouped("a"), new Grouped("b")];
		table.beginGroup(first);
		table.endGroup(first);
		expect(table.size).toBe(0);
		const second = [new Grouped("c")];
		table.beginGroup(first);
		table.beginGroup(second);
		table.endGroup(second);
		expect(table.entries().map(([key]) => key)).toEqual(["a", "b", "c"]);
	});
});
