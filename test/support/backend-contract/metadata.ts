import { expect, test } from "vitest";
import { waitUntil } from "../../../src/cli/servers/wait-until.js";
import { collect } from "../collect.js";
import { backendOf, type Subject } from "./subject.js";

export function metadataContract(subject: Subject): void {
	const metadataOf = async (backend: ReturnType<typeof backendOf>, key: string) => (await backend.getEntry(key))?.metadata;

	test("S3.5 metadata is stored beside the value, as JSON", async () => {
		await using backend = backendOf(subject);
		const metadata = { tool: "sum", total: 3, nested: { list: [1, "ü", null, true] }, empty: "", 键: "😀" };
		for (const key of ["user:123", "{user}:123", "a}{b", "a{b"]) {
			expect(await backend.set(key, "v", { metadata })).toBe(true);
			expect([key, await backend.getEntry(key)]).toEqual([key, { value: Buffer.from("v"), metadata, ttlMs: null }]);
		}
		await backend.set("none", "v", { metadata: {} });
		expect(await metadataOf(backend, "none")).toEqual({});
		await backend.set("without", "v");
		expect(await metadataOf(backend, "without")).toBe(null);
		await backend.set("written", "v", { metadata: { date: new Date(0), left: undefined, not: Number.NaN } });
		expect(await metadataOf(backend, "written")).toEqual({ date: "1970-01-01T00:00:00.000Z", not: null });
	});

	test("S3.5 it is the caller's own, before and after", async () => {
		await using backend = backendOf(subject);
		const metadata = { list: [1] };
		await backend.set("k", "v", { metadata });
		metadata.list.push(2);
		const read = await metadataOf(backend, "k");
		expect(read).toEqual({ list: [1] });
		(read as typeof metadata).list.push(3);
		expect(await metadataOf(backend, "k")).toEqual({ list: [1] });
	});

	test("S3.5 it is replaced with the value, and gone after a set without it", async () => {
		await using backend = backendOf(subject);
		for (const key of ["k", "{k}:1", "a}{b"]) {
			const rewritten = {
				metadata: [() => backend.set(key, "v", { metadata: { b: 2 } }), { b: 2 }],
				set: [() => backend.set(key, "v"), null],
				"set with a ttl": [() => backend.set(key, "v", { ttl: "1h" }), null],
				"set with xx": [() => backend.set(key, "v", { xx: true }), null],
				setMany: [() => backend.setMany([{ key, value: "v" }]), null],
				"setMany with ttl": [
					() =>
						backend.setMany(
							[
								{ key: "other", value: "v" },
								{ key, value: "v" },
							],
							{ ttl: "1h" },
						),
					null,
				],
				"atomic setMany": [() => backend.setMany([{ key, value: "v" }], { atomic: true }), null],
			} as const;
			for (const [how, [rewrite, expected]] of Object.entries(rewritten)) {
				await backend.set(key, "first", { metadata: { a: 1 } });
				await rewrite();
				expect([key, how, await metadataOf(backend, key)]).toEqual([key, how, expected]);
			}
		}
	});

	test("S3.5 it goes with the value: by delete, deleteMany, clear and expiry", async () => {
		await using backend = backendOf(subject);
		for (const key of ["k", "{k}:1", "a}{b"]) {
			const removed = {
				delete: () => backend.delete(key),
				deleteMany: () => backend.deleteMany([key]),
				clear: () => backend.clear(),
				"clear of a prefix": () => backend.clear({ prefix: key }),
			};
			for (const [how, remove] of Object.entries(removed)) {
				await backend.set(key, "v", { metadata: { a: 1 } });
				await remove();
				expect([key, how, await backend.getEntry(key), await backend.count()]).toEqual([key, how, null, 0]);
				// Nothing that would come back with the next value.
				await backend.set(key, "v", { metadata: false });
				expect([key, how, await metadataOf(backend, key)]).toEqual([key, how, null]);
			}
			await backend.set(key, "v", { metadata: { a: 1 }, ttl: 30 });
			await waitUntil("its end", async () => !(await backend.exists(key)) || "it lives", { everyMs: 5 });
			await backend.set(key, "v", { metadata: false });
			await waitUntil("the end of its metadata", async () => (await metadataOf(backend, key)) === null || "it is there");
			await backend.delete(key);
		}
	});

	test("S3.5 it is no key: neither listed nor counted, and no key has its name", async () => {
		await using backend = backendOf(subject);
		await backend.set("a:1", "v", { metadata: { a: 1 } });
		await backend.set("{a}:2", "v", { metadata: { a: 1 } });
		await backend.set("meta", "v", { metadata: { a: 1 } });
		const keys = ["a:1", "meta", "{a}:2"];
		expect((await backend.keys()).sort()).toEqual(keys);
		expect((await collect(backend.scan())).sort()).toEqual(keys);
		expect((await collect(backend.entries())).map(([key]) => key).sort()).toEqual(keys);
		expect(await backend.count()).toBe(3);
		expect(await backend.keys({ match: "*:meta" })).toEqual([]);
		expect(await backend.keys({ prefix: "a:1" })).toEqual(["a:1"]);
		for (const name of ["a:1:meta", "{a:1}:meta", "{a}:2:meta", ":meta"]) {
			await expect(backend.get(name)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", index: 0 });
			await expect(backend.exists(name)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", index: 0 });
			await expect(backend.set(name, "v")).rejects.toMatchObject({ code: "INVALID_ARGUMENT", index: 0 });
			await expect(backend.delete(name)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", index: 0 });
			await expect(backend.getMany(["b", name])).rejects.toMatchObject({ code: "INVALID_ARGUMENT", index: 1 });
			await expect(backend.deleteMany(["b", name])).rejects.toMatchObject({ code: "INVALID_ARGUMENT", index: 1 });
			const items = [
				{ key: "b", value: "v" },
				{ key: name, value: "v" },
			];
			await expect(backend.setMany(items)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", index: 1 });
		}
		expect(await backend.clear()).toBe(3);
	});

	test("C5 no key has the name of a lease, and behind a prefix none is one", async () => {
		await using unprefixed = backendOf(subject, { keyPrefix: "" });
		const refused = { code: "INVALID_ARGUMENT" };
		await expect(unprefixed.get("slotwire:lease:k")).rejects.toMatchObject({ ...refused, index: 0 });
		await expect(unprefixed.set("slotwire:lease:k", "v")).rejects.toMatchObject({ ...refused, index: 0 });
		await expect(unprefixed.deleteMany(["k", "slotwire:lease:k"])).rejects.toMatchObject({ ...refused, index: 1 });
		await using backend = backendOf(subject);
		await backend.set("slotwire:lease:k", "v");
		expect(await backend.keys()).toEqual(["slotwire:lease:k"]);
		expect(await backend.clear()).toBe(1);
	});

	test("S3.5 metadata: false is for keys that have none", async () => {
		await using backend = backendOf(subject);
		expect(await backend.set("k", "one", { metadata: false })).toBe(true);
		expect(await backend.setMany([{ key: "l", value: "two" }], { metadata: false })).toBe(1);
		expect(await backend.getEntry("k")).toEqual({ value: Buffer.from("one"), metadata: null, ttlMs: null });
		expect(await backend.getEntry("l")).toEqual({ value: Buffer.from("two"), metadata: null, ttlMs: null });
	});
}
