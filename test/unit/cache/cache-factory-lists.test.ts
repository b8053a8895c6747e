/** What a factory for many keys may give back. */
import { expect, test } from "vitest";
import { Cache, MemoryBackend } from "../../../src/cache/index.js";
import { rejectionOf } from "../../support/secrets.js";

const made = (): Cache => new Cache({ backend: new MemoryBackend() });

test("S2.7 getOrSetMany stores what promises in a list resolve to, and not the promises", async () => {
	const cache = made();
	const load = async (key: string): Promise<string | undefined> => (key === "none" ? undefined : `${key}!`);
	const found = await cache.getOrSetMany(["a", "none", "b"], (missing) => missing.map(load));
	const values = new Map([
		["a", "a!"],
		["b", "b!"],
	]);
	expect(found).toEqual(values);
	expect(await cache.getMany(["a", "none", "b"])).toEqual(values);
	const asMap = await cache.getOrSetMany(["c"], (missing) => new Map(missing.map((key) => [key, load(key)])));
	expect([asMap.get("c"), await cache.get("c")]).toEqual(["c!", "c!"]);
});

test("S2.7 one promise of a list that rejects rejects the call, and stores nothing", async () => {
	const cache = made();
	const failing = (missing: string[]) => missing.map(async (key) => (key === "b" ? Promise.reject(new Error("no b")) : key));
	expect(await rejectionOf(cache.getOrSetMany(["a", "b", "c"], failing))).toMatchObject({ message: "no b" });
	expect(cache.stats()).toMatchObject({ factoryErrors: 1, sets: 0 });
});

test("S1.17 no namespace is the place where versions of tags are", async () => {
	const cache = made();
	for (const namespace of ["~tag", "~tag:x"]) {
		const refused = expect.objectContaining({ code: "INVALID_OPTION", field: "namespace" });
		expect(() => cache.namespace(namespace)).toThrow(refused);
		expect(() => new Cache({ backend: new MemoryBackend(), namespace })).toThrow(refused);
	}
	const near = cache.namespace("~tags");
	await near.set("x", 1);
	await cache.invalidateTags("x");
	expect(await near.get("x")).toBe(1);
});
