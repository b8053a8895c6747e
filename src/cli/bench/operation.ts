/** A workload as one function: performs request `i`, by the calls that a driver offers. */
import type { Driver, Read } from "./adapter.js";
import { TTL_SECONDS, type Workload, type WorkRequest } from "./workload.js";

export type Operation = (request: number) => Promise<unknown>;

/** Null when the driver cannot do it. */
export function operationOf(driver: Driver, workload: Workload, requests: readonly WorkRequest[]): Operation | null {
	const at = (i: number): WorkRequest => requests[i % requests.length] as WorkRequest;
	const texts = workload.replies === "strings" ? requests.map(({ values }) => values.map(String)) : null;
	const valuesAt = (i: number): readonly (Buffer | string)[] => texts?.[i % requests.length] ?? at(i).values;
	const key = (i: number): string => at(i).keys[0] as string;
	const { get, getInto, set, mget, setMany } = driver;
	switch (workload.call) {
		case "get":
			return get === undefined ? null : (i) => get(key(i));
		case "set":
			return set === undefined ? null : (i) => set(key(i), valuesAt(i)[0] as Buffer | string);
		case "mget":
			return mget === undefined ? null : (i) => mget(at(i).keys);
		case "setMany":
			return setMany === undefined ? null : (i) => setMany(at(i).keys, valuesAt(i), TTL_SECONDS);
		case "concurrent":
			return get === undefined ? null : (i) => Promise.all(at(i).keys.map(get));
		case "loop":
			return get === undefined ? null : (i) => readInTurn(get, at(i).keys);
		case "getInto": {
			// Who cannot, reads as it can.
			if (getInto === undefined) return get === undefined ? null : (i) => get(key(i));
			const targets = Array.from({ length: workload.inFlight }, () => Buffer.alloc(workload.valueBytes));
			return async (i) => {
				// One for each request in flight: a target may be lent once.
				const target = targets.pop() as Buffer<ArrayBuffer>;
				const length = await getInto(key(i), target);
				targets.push(target);
				return target.subarray(0, length ?? 0);
			};
		}
	}
}

async function readInTurn(get: (key: string) => Promise<Read>, keys: readonly string[]): Promise<Read[]> {
	const values: Read[] = [];
	for (const key of keys) values.push(await get(key));
	return values;
}

/** Why what a read of `driver` returned is not what was stored; null when it is. */
export function wrongRead(result: unknown, { values }: WorkRequest, { replies, keys }: Workload, driver: Driver): string | null {
	const read = Array.isArray(result) ? result : [result];
	if (read.length !== values.length) return `${read.length} values instead of ${values.length}`;
	for (const [i, expected] of values.entries()) {
		const value: unknown = read[i];
		const isText = typeof value === "string";
		if (isText && replies === "buffers" && !(driver.textBatches && keys > 1)) return "text where bytes were asked for";
		if (!isText && !(value instanceof Uint8Array)) return `no value at position ${i}`;
		if (!isText && replies === "strings") return "bytes where text was asked for";
		if (Buffer.compare(isText ? Buffer.from(value) : value, expected) !== 0) return `a wrong value at position ${i}`;
	}
	return null;
}

export function isRead({ call }: Workload): boolean {
	return call !== "set" && call !== "setMany";
}
