/** Values of every size, and what happens to the memory they came from (E14, B10). */
import { randomFillSync } from "node:crypto";
import { describe, expect, inject, test } from "vitest";
import { type ClientError, createClient } from "../../src/index.js";

const KiB = 1024;
const MiB = 1024 * KiB;
const sizes = [0, 1, 4095, 4096, 8191, 8192, 16_383, 16_384, 65_535, 65_536, MiB - 1, MiB, MiB + 1];

function bytes(length: number): Buffer {
	return randomFillSync(Buffer.alloc(length));
}

/** Takes the memory away from a view, as `postMessage` with a transfer list does. */
function detach(view: Uint8Array): void {
	structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
	expect(view.byteLength).toBe(0);
}

/** A Buffer with an ArrayBuffer of its own. */
function ownBuffer(length: number, fill: string): Buffer {
	return Buffer.from(new ArrayBuffer(length)).fill(fill);
}

const cases = (["standaloneUrl", "clusterUrl"] as const).flatMap((topology) =>
	([2, 3] as const).map((protocol) => ({ topology, protocol })),
);

describe.each(cases)("on $topology under RESP$protocol", ({ topology, protocol }) => {
	const prefix = `values:${topology}:${protocol}:`;

	test.each(sizes)("E14 %i bytes come back as they were, as Buffer and as string", async (size) => {
		await using client = await createClient({ url: inject(topology), protocol });
		const value = bytes(size);
		const text = "é".repeat(size >> 1).padStart(size, "x");
		await client.setMany([
			[`${prefix}b`, value, { ex: 60 }],
			[`${prefix}s`, text, { ex: 60 }],
		]);
		expect(value.equals((await client.buffers.get(`${prefix}b`)) as Buffer)).toBe(true);
		const [both, string] = await client.buffers.mget([`${prefix}b`, `${prefix}s`]);
		expect(value.equals(both as Buffer)).toBe(true);
		expect((string as Buffer).toString() === text).toBe(true);
		expect((await client.get(`${prefix}s`)) === text).toBe(true);
		expect(((await client.mget([`${prefix}nope`, `${prefix}s`])) as string[])[1] === text).toBe(true);
	});

	test("E14 64 MiB, as Buffer and as string", async () => {
		await using client = await createClient({ url: inject(topology), protocol });
		const key = `${prefix}large`;
		const value = Buffer.alloc(64 * MiB, "0123456789abcdef");
		randomFillSync(value, 0, MiB);
		for (let i = 0; i < MiB; i++) value[i] = (value[i] as number) & 0x7f;
		const relaxed = client.with({ timeoutMs: 20_000 });
		try {
			await relaxed.set(key, value, { ex: 60 });
			expect(value.equals((await relaxed.buffers.get(key)) as Buffer)).toBe(true);
			const text = value.toString("latin1");
			expect((await relaxed.get(key)) === text).toBe(true);
			expect((await relaxed.mget([key, `${prefix}nope`]))[0] === text).toBe(true);
			await relaxed.set(key, text, { ex: 60 });
			expect(await relaxed.command("STRLEN", key)).toBe(64 * MiB);
		} finally {
			await relaxed.delMany([key]);
		}
	}, 60_000);

	test("E14 an empty value is not a missing one", async () => {
		await using client = await createClient({ url: inject(topology), protocol });
		await client.command("DEL", `${prefix}missing`);
		for (const empty of ["", Buffer.alloc(0), new Uint8Array()]) {
			await client.set(`${prefix}empty`, empty);
			expect(await client.get(`${prefix}empty`)).toBe("");
			expect(await client.mget([`${prefix}empty`, `${prefix}missing`])).toEqual(["", null]);
			expect(await client.buffers.mget([`${prefix}missing`, `${prefix}empty`])).toEqual([null, Buffer.alloc(0)]);
		}
	});

	test("E14 numbers and bigints are stored as their digits", async () => {
		await using client = await createClient({ url: inject(topology), protocol });
		const values = [0, -0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2n ** 64n, -(2n ** 63n)];
		const entries = values.map((value, index) => [`${prefix}n${index}`, value] as const);
		await client.setMany(entries);
		expect(await client.mget(entries.map(([key]) => key))).toEqual(values.map((value) => `${value}`));
	});

	test("B10 views are sent from their offset, and only so far as they reach", async () => {
		await using client = await createClient({ url: inject(topology), protocol });
		for (const length of [10, 100 * KiB]) {
			const memory = bytes(3 * length);
			const view = new Uint8Array(memory.buffer, memory.byteOffset + length, length);
			await client.set(`${prefix}view`, view);
			expect(memory.subarray(length, 2 * length).equals((await client.buffers.get(`${prefix}view`)) as Buffer)).toBe(true);
		}
	});
});

describe("what was given may be changed right after the call, below 16 KiB", () => {
	test.each([1, 100, 4096, 16_383])("B10 a value of %i bytes", async (size) => {
		await using client = await createClient(inject("standaloneUrl"));
		const value = Buffer.alloc(size, "a");
		const key = Buffer.from(`values:snapshot:${size}`);
		const name = key.toString();
		const entries: [Buffer, Buffer][] = [[key, value]];
		const calls = [
			client.set(`${name}:1`, value),
			client.setMany([[`${name}:2`, value]]),
			client.command("SET", `${name}:3`, value),
			client.pipeline().set(`${name}:4`, value).exec(),
			client.setMany(entries),
		];
		value.fill("b");
		key.fill("x");
		entries[0] = [Buffer.from("values:snapshot:other"), Buffer.from("c")];
		await Promise.all(calls);
		const expected = "a".repeat(size);
		const stored = await client.mget([1, 2, 3, 4].map((index) => `${name}:${index}`));
		for (const each of [...stored, await client.get(name)]) expect(each === expected).toBe(true);
	});

	test("B10 lists of keys and entries", async () => {
		await using client = await createClient(inject("clusterUrl"));
		const keys = Array.from({ length: 500 }, (_, index) => `values:list:${index}`);
		const entries = keys.map((key): [string, string] => [key, key]);
		const options = { ex: 60, chunkSize: 10 };
		const writing = client.setMany(entries, options);
		for (const entry of entries) entry[1] = "changed";
		entries.length = 0;
		options.ex = -1;
		expect(await writing).toHaveLength(500);
		const given = [...keys];
		const reading = client.mget(given, { chunkSize: 10, maxInflight: 1 });
		given.fill("values:list:0");
		expect(await reading).toEqual(keys);
	});
});

describe("a borrowed value that is detached before it was written", () => {
	test("B10 refuses that SET alone, and nothing of it is written", async () => {
		await using client = await createClient(inject("standaloneUrl"));
		await client.delMany(["values:detached:a", "values:detached:b", "values:detached:c"]);
		const large = ownBuffer(32 * KiB, "x");
		const calls = [
			client.set("values:detached:a", "1"),
			client.set("values:detached:b", large),
			client.set("values:detached:c", "3"),
		];
		detach(large);
		const [a, b, c] = await Promise.allSettled(calls);
		expect([a, c]).toEqual([
			{ status: "fulfilled", value: "OK" },
			{ status: "fulfilled", value: "OK" },
		]);
		expect(b).toMatchObject({ status: "rejected", reason: { code: "INVALID_ARGUMENT" } });
		expect((b as PromiseRejectedResult).reason.maybeExecuted).not.toBe(true);
		expect(await client.mget(["values:detached:a", "values:detached:b", "values:detached:c"])).toEqual(["1", null, "3"]);
	});

	test.each(["standaloneUrl", "clusterUrl"] as const)("B10 E07 refuses that entry of a batch alone (%s)", async (topology) => {
		await using client = await createClient(inject(topology));
		const keys = Array.from({ length: 9 }, (_, index) => `{values:detached}${index}`);
		await client.delMany(keys);
		const large = [2, 5].map(() => ownBuffer(32 * KiB, "x"));
		const entries = keys.map((key, index) => [key, index === 2 ? large[0]! : index === 5 ? large[1]! : "v"] as const);
		const writing = client.setMany(entries, { partial: true });
		for (const each of large) detach(each);
		const results = await writing;
		const codes = results.map((result) => (result as ClientError).code ?? result);
		expect(codes).toEqual(keys.map((_, index) => (index === 2 || index === 5 ? "INVALID_ARGUMENT" : "OK")));
		expect(await client.mget(keys)).toEqual(keys.map((_, index) => (index === 2 || index === 5 ? null : "v")));
	});

	test.each(["standaloneUrl", "clusterUrl"] as const)("B10 keeps the order of the writes around it (%s)", async (topology) => {
		await using client = await createClient(inject(topology));
		const large = ownBuffer(32 * KiB, "x");
		const calls = [
			client.setMany(
				[
					["{values:order}a", "first"],
					["{values:order}b", large],
				],
				{ partial: true },
			),
			client.set("{values:order}a", "second"),
		] as const;
		detach(large);
		await Promise.all(calls);
		expect(await client.get("{values:order}a")).toBe("second");
	});
});
