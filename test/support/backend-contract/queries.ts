import { expect, test } from "vitest";
import type { KeyQuery } from "../../../src/cache/backend.js";
import { collect } from "../collect.js";
import { backendOf, ownPrefix, type Subject, textOf } from "./subject.js";

const KEYS = [
	"sequences:primes:10",
	"sequences:primes:20",
	"sequences:fibonacci:10",
	"sequences",
	"sequencesx:1",
	"transforms:primes:10",
	"s*:1",
	"s[a-z]*:1",
	"ünï:1",
	"ünï:ä",
	"{tag}:1",
	"{tag}:2",
	"a\\:1",
	"plain",
];

const QUERIES: readonly [KeyQuery | undefined, readonly string[]][] = [
	[undefined, KEYS],
	[{}, KEYS],
	[{ prefix: "" }, KEYS],
	[{ match: "*" }, KEYS],
	[{ namespace: "sequences" }, ["sequences:primes:10", "sequences:primes:20", "sequences:fibonacci:10"]],
	[{ namespace: "sequences:primes" }, ["sequences:primes:10", "sequences:primes:20"]],
	[{ namespace: "s*" }, ["s*:1"]],
	[{ namespace: "s[a-z]*" }, ["s[a-z]*:1"]],
	[{ namespace: "a\\" }, ["a\\:1"]],
	[{ namespace: "{tag}" }, ["{tag}:1", "{tag}:2"]],
	[{ namespace: "ünï" }, ["ünï:1", "ünï:ä"]],
	[{ namespace: "none" }, []],
	[{ prefix: "seq" }, KEYS.slice(0, 5)],
	[{ prefix: "s*" }, ["s*:1"]],
	[{ prefix: "sequences:p" }, ["sequences:primes:10", "sequences:primes:20"]],
	[{ prefix: "plain" }, ["plain"]],
	[{ prefix: "plainer" }, []],
	[{ match: "*:10" }, ["sequences:primes:10", "sequences:fibonacci:10", "transforms:primes:10"]],
	[{ match: "plai" }, []],
	[{ match: "plai?" }, ["plain"]],
	[{ match: "s[*]:1" }, ["s*:1"]],
	[{ match: "s\\*:1" }, ["s*:1"]],
	[{ match: "*[^0-9]" }, ["sequences", "ünï:ä", "plain"]],
	[{ match: "PLAIN" }, []],
	[{ match: "" }, []],
	[{ namespace: "sequences", prefix: "primes:" }, ["sequences:primes:10", "sequences:primes:20"]],
	[{ namespace: "sequences", match: "*:10" }, ["sequences:primes:10", "sequences:fibonacci:10"]],
	[{ namespace: "sequences", match: "primes" }, []],
	[{ prefix: "sequences:", match: "primes:?0" }, ["sequences:primes:10", "sequences:primes:20"]],
	[{ namespace: "sequences", prefix: "primes:", match: "[2-1]0" }, ["sequences:primes:10", "sequences:primes:20"]],
	[{ namespace: "ünï", match: "??" }, ["ünï:ä"]],
	[{ namespace: "s*", prefix: "1", match: "*" }, ["s*:1"]],
];

export function queriesContract(subject: Subject): void {
	test("S3.4 S1.1 C3 keys, scan, entries and count of a namespace, a prefix, a pattern", async () => {
		await using backend = backendOf(subject);
		await backend.setMany(KEYS.map((key) => ({ key, value: `of ${key}` })));
		await backend.set("plain", "of plain", { metadata: { not: "a key" }, ttl: "1h" });
		for (const [query, expected] of QUERIES) {
			const wanted = [JSON.stringify(query), [...expected].sort()];
			expect([wanted[0], (await backend.keys(query)).sort()]).toEqual(wanted);
			expect([wanted[0], (await collect(backend.scan(query))).sort()]).toEqual(wanted);
			expect([wanted[0], (await collect(backend.scan({ ...query, count: 2 }))).sort()]).toEqual(wanted);
			const entries = await collect(backend.entries({ ...query, count: 3 }));
			expect([wanted[0], entries.map(([key]) => key).sort()]).toEqual(wanted);
			expect(entries.filter(([key, value]) => value.toString() !== `of ${key}`)).toEqual([]);
			expect([wanted[0], await backend.count(query)]).toEqual([wanted[0], expected.length]);
		}
	});

	test("S1.7 C4 clear deletes what the query means, and says how many", async () => {
		await using backend = backendOf(subject);
		for (const [query, expected] of QUERIES) {
			await backend.setMany(KEYS.map((key) => ({ key, value: "v" })));
			const what = JSON.stringify(query);
			expect([what, await backend.clear(query)]).toEqual([what, expected.length]);
			expect([what, (await backend.keys()).sort()]).toEqual([what, KEYS.filter((key) => !expected.includes(key)).sort()]);
			expect([what, await backend.clear(query)]).toEqual([what, 0]);
		}
		await backend.clear();
		expect(await backend.clear()).toBe(0);
	});

	test("S1.17 namespaces do not see each other", async () => {
		await using backend = backendOf(subject);
		const tools = ["calculator", "analysis", "a:b", "a", "*"];
		await backend.setMany(tools.flatMap((tool) => ["x", "y"].map((name) => ({ key: `${tool}:${name}`, value: tool }))));
		expect(await backend.count({ namespace: "a" })).toBe(4);
		expect((await backend.keys({ namespace: "*" })).sort()).toEqual(["*:x", "*:y"]);
		expect(await backend.clear({ namespace: "*" })).toBe(2);
		expect(await backend.clear({ namespace: "calculator" })).toBe(2);
		expect(await textOf(backend, "analysis:x")).toBe("analysis");
		expect(await backend.count()).toBe(6);
	});

	test("S1.4 S1.7 a backend sees and clears the keys of its own prefix alone, whatever the prefix", async () => {
		const prefixes = ["p:", "p*:", "p?:", "p[a-z]:", "{p}:", "p\\:", "pq", "ü:"].map((prefix) => `${ownPrefix()}${prefix}`);
		// Beginning with what the others end with.
		const common = ownPrefix();
		prefixes.push(`${common}*`, `${common}x`, `${common}?`, `${common}[x]`);
		const backends = prefixes.map((keyPrefix) => backendOf(subject, { keyPrefix }));
		await Promise.all(
			backends.map((backend, i) =>
				backend.setMany([
					{ key: "k", value: `${i}` },
					{ key: "ns:k", value: `${i}` },
				]),
			),
		);
		for (const [i, backend] of backends.entries()) {
			expect([prefixes[i], (await backend.keys()).sort()]).toEqual([prefixes[i], ["k", "ns:k"]]);
			expect([prefixes[i], await textOf(backend, "k")]).toEqual([prefixes[i], `${i}`]);
		}
		for (const [i, backend] of backends.entries()) {
			expect([prefixes[i], await backend.clear()]).toEqual([prefixes[i], 2]);
			const counts = await Promise.all(backends.map((other) => other.count()));
			expect([prefixes[i], counts]).toEqual([prefixes[i], backends.map((_, j) => (j <= i ? 0 : 2))]);
		}
		for (const backend of backends) await backend.disconnect();
	});

	test("S3.4 a scan while others write: what was there all the time comes once", async () => {
		await using backend = backendOf(subject);
		const staying = Array.from({ length: 400 }, (_, i) => `stays:${i}`);
		const going = Array.from({ length: 100 }, (_, i) => `goes:${i}`);
		await backend.setMany([...staying, ...going].map((key) => ({ key, value: "v" })));
		const seen: string[] = [];
		for await (const key of backend.scan({ count: 20 })) {
			seen.push(key);
			const i = seen.length;
			// Reading and writing what is still to come moves nothing past the end.
			await Promise.all([
				backend.get(`stays:${i % 400}`),
				backend.set(`stays:${(i * 7) % 400}`, "v"),
				i % 5 === 0 ? backend.delete(`goes:${i / 5 - 1}`) : backend.set(`comes:${i % 50}`, "v"),
			]);
			if (i > 1000) throw new Error("the scan does not end");
		}
		expect(new Set(seen).size).toBe(seen.length);
		expect(seen.filter((key) => key.startsWith("stays:")).sort()).toEqual([...staying].sort());
		expect(seen.filter((key) => !/^(stays|goes|comes):\d+$/.test(key))).toEqual([]);
		await backend.clear();
	});

	test("S3.4 entries leaves out what is gone when it is read, and never mixes up values", async () => {
		await using backend = backendOf(subject);
		const keys = Array.from({ length: 200 }, (_, i) => `e:${i}`);
		await backend.setMany(keys.map((key) => ({ key, value: `of ${key}` })));
		const seen = new Map<string, string>();
		let deleted = new Set<string>();
		for await (const [key, value] of backend.entries({ count: 10 })) {
			if (seen.size === 0) {
				deleted = new Set(keys.filter((other, i) => other !== key && i % 2 === 0));
				await backend.deleteMany([...deleted]);
			}
			seen.set(key, value.toString());
		}
		expect([...seen].filter(([key, value]) => value !== `of ${key}`)).toEqual([]);
		expect(keys.filter((key) => !deleted.has(key) && !seen.has(key))).toEqual([]);
		// Those of the page that was being read were there then.
		expect(seen.size).toBeLessThan(200);
		await backend.clear();
	});

	test("S3.4 a scan that is broken off is over", async () => {
		await using backend = backendOf(subject);
		await backend.setMany(Array.from({ length: 50 }, (_, i) => ({ key: `${i}`, value: "v" })));
		for (const iterate of [() => backend.scan({ count: 5 }), () => backend.entries({ count: 5 })]) {
			for await (const _ of iterate()) break;
			expect((await collect<unknown>(iterate())).length).toBe(50);
		}
		await backend.clear();
	});

	test("C4 clear({ flushDb }) is refused beside a prefix unless it is forced, and beside a query", async () => {
		await using backend = backendOf(subject);
		await backend.set("k", "v");
		const refused = { code: "INVALID_OPTION", field: "flushDb" };
		await expect(backend.clear({ flushDb: true })).rejects.toMatchObject(refused);
		await expect(backend.clear({ flushDb: true, force: false })).rejects.toMatchObject(refused);
		for (const query of [{ namespace: "a" }, { prefix: "a" }, { match: "*" }]) {
			await expect(backend.clear({ flushDb: true, force: true, ...query })).rejects.toMatchObject(refused);
		}
		expect(await backend.keys()).toEqual(["k"]);
		expect(await backend.clear({ flushDb: false })).toBe(1);
	});

	test("S3.3 C4 clear({ flushDb: true, force: true }) deletes everything, and counts it", async () => {
		await using backend = backendOf(subject);
		await using other = subject.shared ? backendOf(subject) : backend;
		await backend.clear({ flushDb: true, force: true });
		await backend.setMany([
			{ key: "a", value: "v" },
			{ key: "b", value: "v" },
		]);
		await other.set("c", "v");
		expect(await backend.clear({ flushDb: true, force: true })).toBe(3);
		expect([await backend.count(), await other.count()]).toEqual([0, 0]);
		await using unprefixed = backendOf(subject, { keyPrefix: "" });
		await unprefixed.set("d", "v");
		expect(await unprefixed.clear({ flushDb: true })).toBe(1);
	});
}
