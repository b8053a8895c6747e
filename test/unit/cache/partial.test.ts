import { expect, test } from "vitest";
import { CacheBatchError, CacheConnectionError } from "../../../src/cache/errors.js";
import { failuresIn, resultsOf, widened } from "../../../src/cache/partial.js";

const gone = new CacheConnectionError("CONNECTION", "gone");

test("S2.8 what became of each key, where that is known", () => {
	const some = new CacheBatchError("some failed", ["a", gone, null]);
	expect(resultsOf(some, 3)).toEqual(["a", gone, null]);
	// Of another call, or of all at once.
	for (const error of [some, gone, new Error("mine")]) expect(resultsOf(error, 2)).toBeNull();
});

test("S2.8 a key counts once, whichever of the calls failed for it, and all of them where nothing is known", () => {
	const first = new CacheBatchError("some failed", ["a", gone, "c", gone]);
	const second = new CacheBatchError("some failed", ["a", gone, gone, "d"]);
	expect(failuresIn([first], 4)).toBe(2);
	expect(failuresIn([first, second], 4)).toBe(3);
	expect(failuresIn([first, gone], 4)).toBe(4);
});

test("S2.8 what failed for some is told of all: what was known stays, in its place", () => {
	const error = widened(new CacheBatchError("some failed", ["b", gone]), ["a", null, null], [1, 2]) as CacheBatchError;
	expect(error.results).toEqual(["a", "b", gone]);
	expect((widened(gone, ["a", null], [1]) as CacheBatchError).results).toEqual(["a", gone]);
	expect(widened(gone, [null, null], [0, 1])).toBe(gone);
});
