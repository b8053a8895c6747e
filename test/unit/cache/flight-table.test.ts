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
});
