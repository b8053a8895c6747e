/** What is stored beside keys has names of its own, in their slots. */
import { expect, test } from "vitest";
import { globMatcher } from "../../../src/cache/glob.js";
import { isLeaseUnder, isMetadataKey, leaseKey, leasesPattern, metadataKey } from "../../../src/cache/side-keys.js";
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

test("S1.4 the lease of a key is known by what the key begins with, and no other is", () => {
	const keys = [
		"app:k",
		"app:{user}:1",
		"app:{}",
		"app:}{",
		"app:a}b",
		"{app}:k",
		"{app:k}",
		"{4o4}:app:k",
		"app:{4o4}:k",
		"ap",
		"App:k",
	];
	for (const cluster of [false, true]) {
		const matches = globMatcher(leasesPattern("app:", cluster));
		for (const key of keys) {
			const name = leaseKey(key, cluster);
			const own = key.startsWith("app:");
			// `{app:k}` and `app:k` share one on a cluster.
			const shared = cluster && key === "{app:k}";
			expect([key, isLeaseUnder(name, "app:", cluster)]).toEqual([key, own || shared]);
			if (own) expect([key, matches(name)]).toEqual([key, true]);
			expect(isLeaseUnder(name, "", cluster), key).toBe(true);
			expect(isLeaseUnder(key, "", cluster), key).toBe(false);
		}
	}
	const pattern = globMatcher(leasesPattern("a*:", false));
	expect([pattern(leaseKey("a*:k", false)), pattern(leaseKey("ab:k", false))]).toEqual([true, false]);
});
