import { describe, expect, test } from "vitest";
import type { Driver, Read } from "../../../src/cli/bench/adapter.js";
import { operationOf, wrongRead } from "../../../src/cli/bench/operation.js";
import { type Call, requestsOf, TTL_SECONDS, type Workload, workload } from "../../../src/cli/bench/workload.js";

function workloadOf(call: Call, keys: number, more: Partial<Workload> = {}): Workload {
	return workload({ call, keys, valueBytes: 16, ...more });
}

/** A driver over a Map, which keeps what it was called with. */
function memoryDriver(workload: Workload): Driver & { calls: unknown[][] } {
	const stored = new Map<string, Buffer>();
	for (const { keys, values } of requestsOf(workload)) for (const [i, key] of keys.entries()) stored.set(key, values[i]!);
	const calls: unknown[][] = [];
	const read = (key: string): Read => stored.get(key) ?? null;
	return {
		calls,
		get: async (key) => {
			calls.push(["get", key]);
			return read(key);
		},
		getInto: async (key, target) => {
			calls.push(["getInto", key]);
			return stored.get(key)!.copy(target);
		},
		set: async (key, value) => calls.push(["set", key, value]),
		mget: async (keys) => {
			calls.push(["mget", ...keys]);
			return keys.map(read);
		},
		setMany: async (keys, values, ttl) => calls.push(["setMany", keys, values, ttl]),
		close: async () => {},
	};
}

describe.each([
	["get", 1, 1],
	["getInto", 1, 1],
	["mget", 3, 1],
	["concurrent", 3, 3],
	["loop", 3, 3],
] as const)("%s of %i keys", (call, keys, calls) => {
	const workload = workloadOf(call, keys);
	const requests = requestsOf(workload);

	test("reads the values of its request, and of the first again after the last", async () => {
		const driver = memoryDriver(workload);
		const operation = operationOf(driver, workload, requests)!;
		for (const i of [0, 1, requests.length - 1, requests.length]) {
			const request = requests[i % requests.length]!;
			expect(wrongRead(await operation(i), request, workload, driver)).toBe(null);
		}
	});

	test("makes the calls that its name says", async () => {
		const driver = memoryDriver(workload);
		await operationOf(driver, workload, requests)!(1);
		expect(driver.calls.map(([name]) => name)).toEqual(
			Array.from({ length: calls }, () => (keys > 1 && call !== "mget" ? "get" : call)),
		);
		expect(driver.calls.flatMap(([, ...keys]) => keys)).toEqual(requests[1]!.keys);
	});
});

test("a loop reads a key when it has the value of the one before, concurrent calls are made at once", async () => {
	for (const [call, expected] of [
		["loop", 1],
		["concurrent", 3],
	] as const) {
		const workload = workloadOf(call, 3);
		let asked = 0;
		const get = (): Promise<Read> => {
			asked += 1;
			return new Promise(() => {});
		};
		void operationOf({ get, close: async () => {} }, workload, requestsOf(workload))!(0);
		expect(asked).toBe(expected);
	}
});

test("a write is given its keys, its values and the time to live", async () => {
	for (const [call, keys] of [
		["set", 1],
		["setMany", 3],
	] as const) {
		const workload = workloadOf(call, keys);
		const driver = memoryDriver(workload);
		const [request] = requestsOf(workload);
		await operationOf(driver, workload, [request!])!(5);
		expect(driver.calls).toEqual([
			call === "set" ? ["set", request!.keys[0], request!.values[0]] : ["setMany", request!.keys, request!.values, TTL_SECONDS],
		]);
	}
});

test("requests in flight at the same time are given targets of their own", async () => {
	const workload = workloadOf("getInto", 1, { inFlight: 3 });
	const requests = requestsOf(workload);
	const driver = memoryDriver(workload);
	const operation = operationOf(driver, workload, requests)!;
	const results = (await Promise.all([operation(0), operation(1), operation(2)])) as Buffer[];
	for (const [i, result] of results.entries()) expect(wrongRead(result, requests[i]!, workload, driver)).toBe(null);
});

test("where a driver has no getInto, it reads by GET", async () => {
	const workload = workloadOf("getInto", 1);
	const requests = requestsOf(workload);
	const { getInto: _, ...driver } = memoryDriver(workload);
	const value = await operationOf(driver, workload, requests)!(0);
	expect(wrongRead(value, requests[0]!, workload, driver)).toBe(null);
	expect(driver.calls).toEqual([["get", requests[0]!.keys[0]]]);
});

test("what a driver has no call for is no operation", () => {
	for (const call of ["get", "getInto", "set", "mget", "setMany", "concurrent", "loop"] as const)
		expect(operationOf({ close: async () => {} }, workloadOf(call, 1), [])).toBe(null);
});

describe("a wrong read is told", () => {
	const driver: Driver = { close: async () => {} };
	const one = workloadOf("get", 1);
	const many = workloadOf("mget", 2);
	const [first] = requestsOf(one);
	const [pair] = requestsOf(many);
	const value = first!.values[0]!;
	const other = Buffer.alloc(value.length, "?");

	test.each([
		["nothing", undefined, first, one, "no value at position 0"],
		["null", null, first, one, "no value at position 0"],
		["another value", other, first, one, "a wrong value at position 0"],
		["a part of it", value.subarray(1), first, one, "a wrong value at position 0"],
		["text for bytes", value.toString(), first, one, "text where bytes were asked for"],
		["bytes for text", value, first, { ...one, replies: "strings" }, "bytes where text was asked for"],
		["a value too few", [pair!.values[0]], pair, many, "1 values instead of 2"],
		["values in another order", pair!.values.toReversed(), pair, many, "a wrong value at position 0"],
		["one of them missing", [pair!.values[0], null], pair, many, "no value at position 1"],
		["text for several", pair!.values.map(String), pair, many, "text where bytes were asked for"],
	] as const)("%s", (_, result, request, workload, wrong) => {
		expect(wrongRead(result, request!, workload, driver)).toBe(wrong);
	});

	test("but not where it is what was asked for", () => {
		expect(wrongRead(new Uint8Array(value), first!, one, driver)).toBe(null);
		expect(wrongRead(value.toString(), first!, { ...one, replies: "strings" }, driver)).toBe(null);
		expect(wrongRead(pair!.values.map(String), pair!, many, { ...driver, textBatches: true })).toBe(null);
		expect(wrongRead(value.toString(), first!, one, { ...driver, textBatches: true })).toBe("text where bytes were asked for");
	});
});
