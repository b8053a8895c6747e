import { expect, test } from "vitest";
import { backendOf, ownPrefix, type Subject, textOf } from "./subject.js";

const MIB = 1024 * 1024;

/** Keys that a pattern, a hash tag, a separator or an encoding could trip over. */
export const ODD_KEYS = [
	" ",
	" leading and trailing ",
	"a\r\nb\tc\0d",
	"ünï:ключ:鍵:😀",
	":",
	"::a::",
	"{}",
	"{}a",
	"{a}b",
	"a{b}",
	"a}{b",
	"a{b",
	"a}b",
	"{{a}}",
	"{a}{b}",
	"*",
	"?",
	"[a-z]",
	"[^a]",
	"a\\*",
	"\\",
	"[",
	"meta",
	"a:meta:b",
	"__proto__",
	"constructor",
	"k".repeat(4096),
];

export function valuesContract(subject: Subject): void {
	test("S3.3 get, set, exists and delete of one key", async () => {
		await using backend = backendOf(subject);
		expect(await backend.get("k")).toBe(null);
		expect(await backend.exists("k")).toBe(false);
		expect(await backend.delete("k")).toBe(false);
		expect(await backend.set("k", "one")).toBe(true);
		expect(await backend.exists("k")).toBe(true);
		expect(await textOf(backend, "k")).toBe("one");
		expect(await backend.set("k", "two")).toBe(true);
		expect(await textOf(backend, "k")).toBe("two");
		expect(await backend.delete("k")).toBe(true);
		expect(await backend.delete("k")).toBe(false);
		expect(await backend.get("k")).toBe(null);
	});

	test("S3.3 C5 the first bytes of a value are replaced where they are the expected ones; all else of it stays", async () => {
		await using backend = backendOf(subject);
		const replace = (key: string, expected: string, head: string) =>
			backend.replaceHead?.(key, Buffer.from(expected, "latin1"), Buffer.from(head, "latin1"));
		const value = Buffer.from([0, 255, 13, 10, ...Buffer.from("the rest")]);
		const metadata = { a: 1 };
		await backend.set("k", value, { ttl: 3_600_000, metadata });
		expect(await replace("k", "\0\xff\r", "\xff\0\n")).toBe(true);
		const replaced = Buffer.from([255, 0, 10, 10, ...Buffer.from("the rest")]);
		const entry = await backend.getEntry("k");
		expect(entry).toMatchObject({ value: replaced, metadata });
		expect(entry?.ttlMs).toBeGreaterThan(3_500_000);
		expect(await replace("k", "\0\xff\r", "abc")).toBe(false);
		expect(await replace("k", "\xff\0\n\nthe rest, and more", "abcdefghijklmnopqrstuv")).toBe(false);
		for (const [expected, head] of [["", ""], ["ab", "a"], ["a", "ab"]] as const) // biome-ignore format: one line
			await expect(replace("k", expected, head)).rejects.toMatchObject({
				code: "INVALID_ARGUMENT",
				index: expected === "" ? 1 : 2,
			});
		expect(await replace("none", "a", "b")).toBe(false);
		expect([await backend.get("k"), await backend.exists("none")]).toEqual([replaced, false]);
		await backend.set("for ever", "abc");
		expect(await replace("for ever", "ab", "AB")).toBe(true);
		expect(await backend.getEntry("for ever")).toEqual({ value: Buffer.from("ABc"), metadata: null, ttlMs: null });
	});

	test("S4.4 S3.3 values are bytes: each of the 256, none, and text as its UTF-8", async () => {
		await using backend = backendOf(subject);
		const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
		const values: [string, string | Uint8Array, Buffer][] = [
			["bytes", bytes, bytes],
			["part", new Uint8Array(bytes.buffer, bytes.byteOffset + 7, 9), bytes.subarray(7, 16)],
			["text", "ü 😀\0\r\n", Buffer.from("ü 😀\0\r\n")],
			["empty text", "", Buffer.alloc(0)],
			["empty bytes", new Uint8Array(), Buffer.alloc(0)],
			["not UTF-8", Buffer.from([0xc3, 0x28, 0xff]), Buffer.from([0xc3, 0x28, 0xff])],
			["null", "null", Buffer.from("null")],
		];
		for (const [key, value, expected] of values) {
			expect(await backend.set(key, value)).toBe(true);
			const read = await backend.get(key);
			expect(Buffer.isBuffer(read)).toBe(true);
			expect([key, read]).toEqual([key, expected]);
			expect([key, (await backend.getEntry(key))?.value]).toEqual([key, expected]);
			expect(await backend.exists(key)).toBe(true);
		}
		const keys = values.map(([key]) => key);
		expect(await backend.getMany(keys)).toEqual(values.map(([, , expected]) => expected));
		await backend.clear();
		expect(await backend.setMany(values.map(([key, value]) => ({ key, value })))).toBe(values.length);
		expect(await backend.getMany(keys)).toEqual(values.map(([, , expected]) => expected));
	});

	test("S1.17 a value of 8 MiB, alone and in a batch", async () => {
		await using backend = backendOf(subject);
		const large = Buffer.alloc(8 * MIB, "0123456789abcdef");
		large.writeUInt32BE(0xdeadbeef, large.length - 4);
		expect(await backend.set("large", large)).toBe(true);
		expect((await backend.get("large"))?.equals(large)).toBe(true);
		expect(
			await backend.setMany([
				{ key: "larger", value: large },
				{ key: "small", value: "s" },
			]),
		).toBe(2);
		const read = await backend.getMany(["small", "larger", "none", "large"]);
		expect(read.map((value) => value?.length ?? null)).toEqual([1, 8 * MIB, null, 8 * MIB]);
		expect(read[1]?.equals(large)).toBe(true);
		expect(await backend.deleteMany(["large", "larger", "small"])).toBe(3);
	});

	test("S3.3 a Buffer that changes before or after belongs to the caller alone", async () => {
		await using backend = backendOf(subject);
		for (const size of [5, 100_000]) {
			const value = Buffer.alloc(size, "a");
			await backend.set("set", value);
			value.fill("b");
			await backend.setMany([{ key: "many", value }]);
			value.fill("c");
			for (const [key, letter] of [
				["set", "a"],
				["many", "b"],
			] as const) {
				const expected = Buffer.alloc(size, letter);
				for (const read of [
					await backend.get(key),
					(await backend.getEntry(key))?.value,
					(await backend.getMany([key]))[0],
					(await backend.getManyMap([key])).get(key),
				]) {
					expect(read?.equals(expected)).toBe(true);
					read?.fill("x");
				}
				expect((await backend.get(key))?.equals(expected)).toBe(true);
			}
		}
	});

	test("S3.3 S1.4 keys are any text: spaces, braces, glob characters, other scripts, 4 KiB", async () => {
		await using backend = backendOf(subject);
		for (const [i, key] of ODD_KEYS.entries()) {
			expect([key, await backend.set(key, `${i}`, i % 2 === 0 ? { ttl: "1h", metadata: { i } } : {})]).toEqual([key, true]);
		}
		for (const [i, key] of ODD_KEYS.entries()) {
			expect([key, await textOf(backend, key)]).toEqual([key, `${i}`]);
			expect([key, (await backend.getEntry(key))?.metadata]).toEqual([key, i % 2 === 0 ? { i } : null]);
		}
		expect((await backend.keys()).sort()).toEqual([...ODD_KEYS].sort());
		expect(await backend.count()).toBe(ODD_KEYS.length);
		expect((await backend.getMany(ODD_KEYS)).map(String)).toEqual(ODD_KEYS.map((_, i) => `${i}`));
		expect([...(await backend.getManyMap(ODD_KEYS)).keys()].sort()).toEqual([...ODD_KEYS].sort());
		for (const key of ODD_KEYS) expect([key, await backend.keys({ prefix: key })]).toEqual([key, withPrefix(key)]);
		for (const key of ODD_KEYS.slice(0, 9)) expect([key, await backend.delete(key)]).toEqual([key, true]);
		expect(await backend.deleteMany(ODD_KEYS)).toBe(ODD_KEYS.length - 9);
		expect(await backend.count()).toBe(0);
	});

	const withPrefix = (prefix: string) =>
		expect.toSatisfy((found: string[]) => {
			const expected = ODD_KEYS.filter((key) => key.startsWith(prefix));
			return found.length === expected.length && expected.every((key) => found.includes(key));
		});

	test("S3.3 nx stores where there is nothing, xx where there is something", async () => {
		await using backend = backendOf(subject);
		expect(await backend.set("k", "one", { xx: true })).toBe(false);
		expect(await backend.get("k")).toBe(null);
		expect(await backend.set("k", "two", { nx: true, ttl: "1h", metadata: { by: "nx" } })).toBe(true);
		expect(await backend.set("k", "three", { nx: true, metadata: { by: "nobody" } })).toBe(false);
		expect(await backend.getEntry("k")).toMatchObject({ value: Buffer.from("two"), metadata: { by: "nx" } });
		expect((await backend.getEntry("k"))?.ttlMs).toBeGreaterThan(3_500_000);
		expect(await backend.set("k", "four", { xx: true })).toBe(true);
		expect(await backend.getEntry("k")).toEqual({ value: Buffer.from("four"), metadata: null, ttlMs: null });
		expect(await backend.set("k", "five", { xx: true, metadata: { by: "xx" } })).toBe(true);
		expect((await backend.getEntry("k"))?.metadata).toEqual({ by: "xx" });
		expect(await backend.set("none", "six", { xx: true, metadata: { by: "nobody" } })).toBe(false);
		expect(await backend.keys()).toEqual(["k"]);
	});

	test("S3.3 of many that store with nx at once one succeeds", async () => {
		await using backend = backendOf(subject);
		const stored = await Promise.all(
			Array.from({ length: 20 }, (_, i) => backend.set("k", `${i}`, { nx: true, metadata: { i } })),
		);
		expect(stored.filter(Boolean)).toHaveLength(1);
		const winner = stored.indexOf(true);
		expect(await backend.getEntry("k")).toEqual({ value: Buffer.from(`${winner}`), metadata: { i: winner }, ttlMs: null });
	});

	test("S1.18 five writers of 50 keys each: 250", async () => {
		const keyPrefix = ownPrefix();
		const first = backendOf(subject, { keyPrefix });
		const writers = Array.from({ length: 5 }, () => (subject.shared ? backendOf(subject, { keyPrefix }) : first));
		await Promise.all(
			writers.flatMap((writer, w) =>
				Array.from({ length: 50 }, (_, i) => writer.set(`writer:${w}:${i}`, `${w}/${i}`, i % 5 === 0 ? { metadata: { w } } : {})),
			),
		);
		expect(await first.count()).toBe(250);
		const keys = (await first.keys()).sort();
		expect(new Set(keys).size).toBe(250);
		const values = await first.getMany(keys);
		expect(values.map(String)).toEqual(keys.map((key) => key.replace("writer:", "").replace(":", "/")));
		expect(await first.clear()).toBe(250);
		for (const backend of new Set([first, ...writers])) await backend.disconnect();
	});
}
