import { expect, test } from "vitest";
import { numberOf, seedOf } from "../../chaos/arguments.js";

test("numbers are numbers, and not below what makes sense", () => {
	expect(numberOf("minutes", "0.5", 0.1)).toBe(0.5);
	for (const text of ["", " ", "x", "0.05", "NaN", "Infinity"])
		expect(() => numberOf("minutes", text, 0.1)).toThrow("--minutes must be a number of at least 0.1.");
});

test("a seed is one that no other seed is the same as", () => {
	expect(seedOf("1705")).toBe(1705);
	for (const text of ["", "-1", "1.5", "4294967296", "x"]) expect(() => seedOf(text)).toThrow("--seed must be a");
});
