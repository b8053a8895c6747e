/** globMatcher() beside a server's own matching, by KEYS: thousands of patterns, made of what they are made of. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { startStandalone } from "../../fixtures/servers.js";
import { escapeGlob, globMatcher } from "../../src/cache/glob.js";
import { createClient } from "../../src/index.js";

const letters = fc.constantFrom(..."aabbc--]^[*?\\:", "ü", "ä", "😀");
const keys = fc.string({ unit: letters, maxLength: 8 });
const pieces = fc.constantFrom("*", "*", "**", "?", "[", "]", "[^", "[a-c]", "[c-a]", "[^a]", "[ab]*", "[ä-ü]", "\\", "-", "^");
const patterns = fc.oneof(
	fc.string({ unit: fc.oneof(letters, pieces), maxLength: 8 }),
	// As near to a key as may be, so that many match.
	fc.tuple(keys, fc.array(fc.tuple(fc.nat(8), pieces), { maxLength: 3 })).map(([key, changes]) => {
		const characters = [...escapeGlob(key)];
		for (const [at, piece] of changes) characters.splice(at, 1, piece);
		return characters.join("");
	}),
);

/** From ASCII to beyond it, or back: what it means depends on whether the server's machine has signed characters. */
const MIXED_RANGE = /[\0-\x7f]-[^\0-\x7f]|[^\0-\x7f]-[\0-\x7f]/;

test("C3 a pattern matches here what it matches on a server", async () => {
	await using server = await startStandalone();
	await using client = await createClient(server.url);
	let compared = 0;
	let matched = 0;
	await fc.assert(
		fc.asyncProperty(
			fc.uniqueArray(keys, { minLength: 20, maxLength: 40 }),
			fc.array(patterns, { minLength: 30, maxLength: 60 }),
			async (texts, globs) => {
				await client.flushdb();
				await client.setMany(texts.map((key) => [key, ""] as const));
				const pipeline = client.pipeline();
				const asked = [...globs, "*", "", "**"].filter((pattern) => !MIXED_RANGE.test(pattern));
				for (const pattern of asked) pipeline.command("KEYS", pattern);
				const replies = (await pipeline.exec()) as string[][];
				for (const [i, pattern] of asked.entries()) {
					const here = texts.filter(globMatcher(pattern)).sort();
					expect([pattern, here]).toEqual([pattern, [...replies[i]!].sort()]);
					compared += 1;
					matched += here.length === 0 ? 0 : 1;
				}
			},
		),
		{ numRuns: 60 },
	);
	expect(compared).toBeGreaterThan(1500);
	expect(matched).toBeGreaterThan(compared / 10);
});
