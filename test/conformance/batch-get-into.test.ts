/** `getInto`: a value read into memory that the caller lends. */
import { randomFillSync } from "node:crypto";
import { describe, expect, inject, test } from "vitest";
import { type Client, createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { Gate } from "../support/gate.js";

const MiB = 1024 * 1024;
const cases = (["standaloneUrl", "clusterUrl"] as const).flatMap((topology) =>
	([2, 3] as const).map((protocol) => ({ topology, protocol })),
);

describe.each(cases)("on $topology under RESP$protocol", ({ topology, protocol }) => {
	const prefix = `into:${topology}:${protocol}:`;
	const open = (): Promise<Client> => createClient({ url: inject(topology), protocol });

	test.each([
		0,
		1,
		100,
		16_384,
		65_536,
		MiB + 1,
		8 * MiB,
	])("E14 %i bytes into a target of their size, and into a larger one", async (size) => {
		await using client = await open();
		const key = `${prefix}${size}`;
		const value = randomFillSync(Buffer.alloc(size));
		await client.set(key, value, { ex: 60 });
		for (const view of [client, client.buffers]) {
			const exact = Buffer.alloc(size);
			expect(await view.getInto(key, exact)).toBe(size);
			expect(exact.equals(value)).toBe(true);
			const large = Buffer.alloc(size + 10, 0xaa);
			expect(await view.getInto(key, large)).toBe(size);
			expect(large.subarray(0, size).equals(value)).toBe(true);
			expect(large.subarray(size).equals(Buffer.alloc(10, 0xaa))).toBe(true);
		}
	});

	test.each([
		1,
		100,
		65_536,
		2 * MiB,
	])("E14 %i bytes do not fit one byte less: `needed` says so, the target is untouched", async (size) => {
		await using client = await open();
		const key = `${prefix}small:${size}`;
		const value = randomFillSync(Buffer.alloc(size));
		await client.set(key, value, { ex: 60 });
		const target = Buffer.alloc(size - 1, 0xaa);
		const [refused, next] = await Promise.allSettled([client.getInto(key, target), client.buffers.get(key)]);
		expect(refused).toMatchObject({ status: "rejected", reason: { code: "TARGET_TOO_SMALL", needed: size } });
		expect(target.equals(Buffer.alloc(size - 1, 0xaa))).toBe(true);
		// The drained body was this value's alone: the next reply is whole.
		expect(value.equals((next as PromiseFulfilledResult<Buffer>).value)).toBe(true);
		expect(await client.getInto(key, Buffer.alloc(size))).toBe(size);
	});

	test("E14 null for a missing key, an error for another type; the target may be lent again", async () => {
		await using client = await open();
		await client.delMany([`${prefix}missing`, `${prefix}hash`]);
		await client.command("HSET", `${prefix}hash`, "f", "v");
		const target = Buffer.alloc(8, 0xaa);
		expect(await client.getInto(`${prefix}missing`, target)).toBeNull();
		await expect(client.getInto(`${prefix}hash`, target)).rejects.toMatchObject({ code: "WRONGTYPE" });
		expect(target.equals(Buffer.alloc(8, 0xaa))).toBe(true);
		await client.set(`${prefix}v`, "value");
		expect(await client.getInto(`${prefix}v`, target)).toBe(5);
	});

	test("E14 a target that is part of other memory is filled within its bounds", async () => {
		await using client = await open();
		for (const size of [10, 100_000]) {
			const value = randomFillSync(Buffer.alloc(size));
			await client.set(`${prefix}part`, value);
			const memory = Buffer.alloc(3 * size, 0xaa);
			expect(await client.getInto(`${prefix}part`, new Uint8Array(memory.buffer, memory.byteOffset + size, size))).toBe(size);
			expect(memory.subarray(size, 2 * size).equals(value)).toBe(true);
			for (const around of [memory.subarray(0, size), memory.subarray(2 * size)])
				expect(around.every((byte) => byte === 0xaa)).toBe(true);
		}
	});

	test("E14 many at once, each into its own", async () => {
		await using client = await open();
		const values = Array.from({ length: 40 }, (_, index) => randomFillSync(Buffer.alloc(1 + index * 3000)));
		await client.setMany(values.map((value, index) => [`${prefix}m${index}`, value] as const));
		const targets = values.map((value) => Buffer.alloc(value.length));
		const lengths = await Promise.all(targets.map((target, index) => client.getInto(`${prefix}m${index}`, target)));
		expect(lengths).toEqual(values.map((value) => value.length));
		for (const [index, target] of targets.entries()) expect(target.equals(values[index]!)).toBe(true);
	});
});

test("a target is lent once: the second call is refused and sends nothing, the first is not disturbed", async () => {
	await using node = await FakeNode.start();
	const gate = new Gate();
	node.expect(["GET", "a"]).reply("$5\r\nvalue\r\n").after(gate.opened);
	await using client = await createClient(node.url);
	const target = Buffer.alloc(5);
	const first = client.getInto("a", target);
	for (const view of [client, client.buffers, client.with({ timeoutMs: 5 })]) {
		await expect(view.getInto("b", target)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", index: 2 });
	}
	gate.open();
	expect(await first).toBe(5);
	expect(target.toString()).toBe("value");
	expect(node.commands).toEqual([["GET", "a"]]);

	node.expect(["GET", "c"]).reply("$2\r\nvv\r\n");
	expect(await client.getInto("c", target)).toBe(2);
});

test.each<[string, () => unknown]>([
	["a string", () => "target"],
	["an array", () => [1, 2, 3]],
	["null", () => null],
	["an ArrayBuffer", () => new ArrayBuffer(8)],
	["a view of other elements", () => new Uint16Array(8)],
	[
		"a detached Buffer",
		() => {
			const target = Buffer.from(new ArrayBuffer(8));
			structuredClone(target.buffer, { transfer: [target.buffer as ArrayBuffer] });
			return target;
		},
	],
])("%s is no target: refused with its index, and nothing is sent", async (_, target) => {
	await using node = await FakeNode.start();
	await using client = await createClient(node.url);
	await expect(client.getInto("k", target() as Uint8Array)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", index: 2 });
	expect(node.commands).toEqual([]);
});
