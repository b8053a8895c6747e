import fc from "fast-check";
import { expect, test } from "vitest";
import { compareIds, wholeId } from "../../../src/streams/ids.js";

const number = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

test("ids are compared as two numbers of 64 bits", () => {
	fc.assert(
		fc.property(number, number, number, number, (a, b, c, d) => {
			const expected = a !== c ? (a < c ? -1 : 1) : b !== d ? (b < d ? -1 : 1) : 0;
			expect(Math.sign(compareIds(`${a}-${b}`, `${c}-${d}`))).toBe(expected);
		}),
	);
	expect(compareIds("9-10", "10-9")).toBeLessThan(0);
	expect(compareIds("5-9", "5-10")).toBeLessThan(0);
});

test("an id is written as servers do; what is none stays as it is", () => {
	expect(["5", "5-0", "005-01", "0", "0-0", "-", "$", "5-", "x", ""].map(wholeId)).toEqual([
		...["5-0", "5-0", "5-1", "0-0", "0-0", "-", "$", "5-", "x", ""],
	]);
});
