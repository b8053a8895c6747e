/** What `npm run bench:cache` measures: one value or many, that the shared store has or has not. */
import type { Place } from "../../src/cli/bench/stage.js";
import { formatBytes, type Topology } from "../../src/cli/bench/workload.js";

export interface CacheWorkload extends Place {
	/** `getOrSet-hit-512B-x1`, `getOrSetMany-miss-128-2KiB`. Unique with `topology`. */
	readonly name: string;
	readonly call: "getOrSet" | "getOrSetMany";
	/** Whether the store has what is asked for. */
	readonly found: "hit" | "miss";
	readonly topology: Topology;
	readonly tls: false;
	/** Of one request. */
	readonly keys: number;
	/** Of a value as JSON. */
	readonly valueBytes: number;
	readonly inFlight: number;
}

export const TTL_MS = 3_600_000;
/** So many different requests are cycled through where values are found. */
const REQUESTS_OF_ONE_KEY = 256;
const REQUESTS_OF_MANY = 8;
const SIZES = [512, 2048];

type Shape = Pick<CacheWorkload, "call" | "keys" | "inFlight" | "topology">;

function pairs(shape: Shape, sizes: readonly number[]): CacheWorkload[] {
	const { call, keys, inFlight } = shape;
	return (["hit", "miss"] as const).flatMap((found) =>
		sizes.map((valueBytes) => {
			const size = formatBytes(valueBytes);
			const name = `${call}-${found}-${keys === 1 ? `${size}-x${inFlight}` : `${keys}-${size}`}`;
			return { ...shape, name, found, valueBytes, tls: false };
		}),
	);
}

export const cacheWorkloads: readonly CacheWorkload[] = [
	...pairs({ call: "getOrSet", keys: 1, inFlight: 1, topology: "standalone" }, SIZES),
	...pairs({ call: "getOrSet", keys: 1, inFlight: 16, topology: "standalone" }, SIZES),
	...pairs({ call: "getOrSetMany", keys: 128, inFlight: 1, topology: "standalone" }, SIZES),
	...pairs({ call: "getOrSet", keys: 1, inFlight: 16, topology: "cluster-3" }, [512]),
	...pairs({ call: "getOrSetMany", keys: 128, inFlight: 1, topology: "cluster-3" }, SIZES),
];

/** How many different requests there are; of those that miss each is a new one. */
export function requestCount({ keys }: CacheWorkload): number {
	return keys === 1 ? REQUESTS_OF_ONE_KEY : REQUESTS_OF_MANY;
}

/** Equally long, so that requests are as well. */
export function keysOf(request: number, { keys }: CacheWorkload): string[] {
	const trace = request.toString().padStart(7, "0");
	return Array.from({ length: keys }, (_, i) => `trace:${trace}:chunk:${1000 + i}`);
}

/** The place of a key in its request. */
export function placeOf(key: string): number {
	return Number(key.slice(-4)) - 1000;
}

/** Something as services store it: a few fields and a text. */
export function sourceValue(request: number, place: number, { valueBytes }: CacheWorkload): object {
	const value = {
		id: 1_000_000 + request * 1000 + place,
		trace: `trace:${request.toString().padStart(7, "0")}`,
		chunk: 1000 + place,
		createdAt: "2026-01-01T00:00:00.000Z",
		score: 0.125,
		active: true,
		labels: ["input", "output", "tool"],
		owner: { id: 42, name: "Somebody", email: "somebody@example.com" },
		text: "",
	};
	const left = valueBytes - JSON.stringify(value).length;
	return { ...value, text: `chunk ${place} of request ${request}: `.repeat(200).slice(0, left) };
}
