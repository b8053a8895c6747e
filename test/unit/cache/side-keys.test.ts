/** What is stored beside keys has names of its own, in their slots. */
import { expect, test } from "vitest";
import { isMetadataKey, leaseKey, metadataKey } from "../../../src/cache/side-keys.js";
import { keySlot } from "../../../src/slot.js";

const KEYS = ["a", "{a}", "{a}b", "a{b}", "a:b", "{a:b}", "{}", "{}a", "a}", "{a", "{{a}}", "{a}{b}"];

test("S3.5 no two keys of a cluster have the same name for their metadata, and none is taken for a key", () => {
	const names = KEYS.map((key) => metadataKey(key, true).name);
	expect(new Set(names).size).toBe(KEYS.length);
	expect(names.every(isMetadataKey)).toBe(true);
});

test("S3.5 what is said to be beside its key is in its slot, and so is every lease", () => {
	for (const key of KEYS) {
		const { name, beside } = metadataKey(key, true);
		expect(keySlot(name) === keySlot(key), key).toBe(beside);
		expect(keySlot(leaseKey(key, true)), key).toBe(keySlot(key));
	}
});
