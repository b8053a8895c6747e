import { expect, test } from "vitest";
import type { CacheBackend } from "../../../src/cache/backend.js";
import { collect } from "../collect.js";
import { backendOf, type Subject } from "./subject.js";

/** What a caller who is not checked by types may give. */
type Loose = Record<Exclude<keyof CacheBackend, symbol | "scan" | "entries">, (...args: unknown[]) => Promise<unknown>> &
	Record<"scan" | "entries", (...args: unknown[]) => AsyncIterable<unknown>>;

const NO_KEYS = [undefined, null, "", 5, {}, ["a"], Buffer.from("a"), Symbol("a"), "lone \ud800 surrogate"];
const NO_VALUES = [undefined, null, 5, 5n, true, {}, [], new Date(0), new ArrayBuffer(2), new Uint16Array(2), "lone \udc00"];
const NO_TTLS = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "", "5", "5 m", "5w", "m", "-5m", "0s", {}, true, 1e15];
const NO_LISTS = [undefined, null, "ab", 5, {}, new Set(["a"])];
const NO_OPTIONS = [null, 5, "5m", true];

const name = (value: unknown): string => (typeof value === "string" ? JSON.stringify(value) : String(value ?? `${value}`));

type Call = readonly [what: string, call: (backend: Loose) => Promise<unknown>, expected: Record<string, unknown>];

const argument = (index: number) => ({ code: "INVALID_ARGUMENT", index });
const option = (field: string) => ({ code: "INVALID_OPTION", field });

function calls(): Call[] {
	const found: Call[] = [];
	const add = (what: string, call: Call[1], expected: Call[2]): void => {
		found.push([what, call, expected]);
	};
	for (const key of NO_KEYS) {
		for (const method of ["get", "getEntry", "delete", "exists"] as const) {
			add(`${method}(${describe(key)})`, (b) => b[method](key), argument(0));
		}
		add(`set(${describe(key)})`, (b) => b.set(key, "v"), argument(0));
		for (const method of ["getMany", "getManyMap", "deleteMany"] as const) {
			add(`${method}(["a", ${describe(key)}])`, (b) => b[method](["a", key]), argument(1));
		}
		add(
			`setMany of ${describe(key)}`,
			(b) =>
				b.setMany([
					{ key: "a", value: "v" },
					{ key, value: "v" },
				]),
			argument(1),
		);
	}
	for (const value of NO_VALUES) {
		add(`set of ${describe(value)}`, (b) => b.set("k", value), argument(1));
		const items = [
			{ key: "a", value: "v" },
			{ key: "b", value: "v" },
			{ key: "k", value },
		];
		add(`setMany of ${describe(value)}`, (b) => b.setMany(items), argument(2));
	}
	for (const list of NO_LISTS) {
		for (const method of ["getMany", "getManyMap", "deleteMany"] as const) {
			add(`${method}(${describe(list)})`, (b) => b[method](list), argument(0));
		}
	}
	for (const list of [undefined, null, "ab", 5, {}, [5], [null], ["a"], [undefined]]) {
		add(`setMany(${describe(list)})`, (b) => b.setMany(list), argument(0));
	}
	for (const ttl of NO_TTLS) {
		add(`set with ttl ${describe(ttl)}`, (b) => b.set("k", "v", { ttl }), option("ttl"));
		add(`setMany with ttl ${describe(ttl)}`, (b) => b.setMany([{ key: "k", value: "v" }], { ttl }), option("ttl"));
		add(`an item with ttl ${describe(ttl)}`, (b) => b.setMany([{ key: "k", value: "v", ttl }]), option("ttl"));
	}
	const cyclic: Record<string, unknown> = {};
	cyclic.self = cyclic;
	for (const metadata of [null, true, 5, "text", [1], cyclic, { n: 1n }, { toJSON: () => undefined }]) {
		add(`set with metadata ${describe(metadata)}`, (b) => b.set("k", "v", { metadata }), option("metadata"));
	}
	for (const field of ["nx", "xx"]) {
		for (const flag of [1, "true", null])
			add(`set with ${field} ${describe(flag)}`, (b) => b.set("k", "v", { [field]: flag }), option(field));
	}
	add("set with nx and xx", (b) => b.set("k", "v", { nx: true, xx: true }), option("xx"));
	add("set with ex", (b) => b.set("k", "v", { ex: 5 }), option("ex"));
	for (const options of NO_OPTIONS) {
		const what = describe(options);
		add(`set(…, ${what})`, (b) => b.set("k", "v", options), { code: "INVALID_OPTION" });
		add(`setMany(…, ${what})`, (b) => b.setMany([{ key: "k", value: "v" }], options), { code: "INVALID_OPTION" });
		for (const method of ["getMany", "getManyMap", "deleteMany"] as const) {
			add(`${method}(…, ${what})`, (b) => b[method](["a"], options), { code: "INVALID_OPTION" });
		}
		for (const method of ["keys", "count", "clear"] as const) {
			add(`${method}(${what})`, (b) => b[method](options), { code: "INVALID_OPTION" });
		}
		for (const method of ["scan", "entries"] as const) {
			add(`${method}(${what})`, async (b) => await collect(b[method](options)), { code: "INVALID_OPTION" });
		}
	}
	const many: readonly [string, readonly unknown[]][] = [
		["chunkSize", [0, -1, 1.5, "5", null, Number.NaN]],
		["batchSize", [0, "5"]],
		["maxChunkBytes", [0, 1.5]],
		["expectedValueBytes", [0, "1"]],
		["timeoutMs", [-1, 1.5, "5s"]],
		["signal", [{}, "abort", null]],
		["partial", [true]],
		["unknown", [1]],
	];
	for (const [field, values] of many) {
		for (const value of values) {
			const options = { [field]: value };
			const what = `{ ${field}: ${describe(value)} }`;
			add(`setMany with ${what}`, (b) => b.setMany([{ key: "k", value: "v" }], options), option(field));
			for (const method of ["getMany", "getManyMap", "deleteMany"] as const) {
				add(`${method} with ${what}`, (b) => b[method](["a"], options), option(field));
			}
		}
	}
	for (const atomic of [1, "yes", null]) {
		add(`setMany with atomic ${describe(atomic)}`, (b) => b.setMany([{ key: "k", value: "v" }], { atomic }), option("atomic"));
	}
	for (const metadata of [true, {}]) {
		add(
			`setMany with metadata ${describe(metadata)}`,
			(b) => b.setMany([{ key: "k", value: "v" }], { metadata }),
			option("metadata"),
		);
	}
	const queries: readonly [string, readonly unknown[]][] = [
		["namespace", ["", 5, null, {}, "\ud800"]],
		["prefix", [5, null, {}, "\ud800"]],
		["match", [5, null, /a/, "\ud800"]],
		["pattern", ["*"]],
	];
	for (const [field, values] of queries) {
		for (const value of values) {
			const query = { [field]: value };
			const what = `{ ${field}: ${describe(value)} }`;
			for (const method of ["keys", "count", "clear"] as const) add(`${method}(${what})`, (b) => b[method](query), option(field));
			for (const method of ["scan", "entries"] as const) {
				add(`${method}(${what})`, async (b) => await collect(b[method](query)), option(field));
			}
		}
	}
	for (const count of [0, -1, 1.5, "5", null]) {
		for (const method of ["scan", "entries"] as const) {
			add(`${method} with count ${describe(count)}`, async (b) => await collect(b[method]({ count })), option("count"));
		}
	}
	for (const field of ["flushDb", "force"]) {
		add(`clear with ${field} "yes"`, (b) => b.clear({ [field]: "yes" }), option(field));
	}
	return found;
}

export function badInputContract(subject: Subject): void {
	test("S3.6 bad input of every argument rejects with a typed error that names it, and nothing is stored", async () => {
		await using backend = backendOf(subject);
		await backend.set("there", "before");
		const loose = backend as unknown as Loose;
		for (const [what, call, expected] of calls()) {
			let outcome: unknown;
			try {
				const promise = call(loose);
				outcome = await promise.then(
					(result) => `resolved with ${describe(result)}`,
					(error) => error,
				);
			} catch (error) {
				outcome = `threw ${error} before it gave a promise`;
			}
			expect.soft(outcome, what).toMatchObject(expected);
		}
		expect(await backend.keys()).toEqual(["there"]);
		expect((await backend.get("there"))?.toString()).toBe("before");
	});

	test("S3.6 a value whose memory was taken away is refused", async () => {
		await using backend = backendOf(subject);
		const value = new Uint8Array(8);
		structuredClone(value.buffer, { transfer: [value.buffer] });
		await expect(backend.set("k", value)).rejects.toMatchObject(argument(1));
		await expect(backend.setMany([{ key: "k", value }])).rejects.toMatchObject(argument(0));
		expect(await backend.count()).toBe(0);
	});

	test("S3.6 undefined is as good as left out, everywhere", async () => {
		await using backend = backendOf(subject);
		const loose = backend as unknown as Loose;
		const nothing = undefined;
		expect(await loose.set("k", "v", { ttl: nothing, metadata: nothing, nx: nothing, xx: nothing })).toBe(true);
		const many = { chunkSize: nothing, maxChunkBytes: nothing, signal: nothing, timeoutMs: nothing };
		expect(
			await loose.setMany([{ key: "l", value: "v", ttl: nothing }], {
				ttl: nothing,
				atomic: nothing,
				metadata: nothing,
				...many,
			}),
		).toBe(1);
		expect(await loose.getMany(["k"], many)).toEqual([Buffer.from("v")]);
		const query = { namespace: nothing, prefix: nothing, match: nothing };
		expect(await loose.count(query)).toBe(2);
		expect(await collect(loose.scan({ ...query, count: nothing }))).toHaveLength(2);
		expect(await loose.deleteMany(["l"], many)).toBe(1);
		expect(await loose.clear({ flushDb: nothing, force: nothing, ...query })).toBe(1);
	});
}

/** For titles: nothing in it can throw. */
function describe(value: unknown): string {
	if (Array.isArray(value)) return `[${value.map(describe).join(", ")}]`;
	if (typeof value === "object" && value !== null) return `a ${value.constructor.name} of ${Object.keys(value)}`;
	return name(value);
}
