/** What the benchmark measures: workloads, and the topologies they run on. */

export type Call = "get" | "getInto" | "set" | "mget" | "setMany" | "concurrent" | "loop";
export type Topology = "standalone" | "cluster-3" | "cluster-6" | "cluster-12";

export interface Workload {
	/** The cell's name: `mget-128-2KiB`, with `-tagged`, `-strings` and so on behind it. Unique with `topology`. */
	readonly name: string;
	readonly call: Call;
	readonly topology: Topology;
	/** Keys of one request. */
	readonly keys: number;
	readonly valueBytes: number;
	/** Requests that wait for their replies at any time. */
	readonly inFlight: number;
	/** The keys of a request share a hash tag. */
	readonly tagged: boolean;
	/** What values are read as, and written as. */
	readonly replies: "buffers" | "strings";
	readonly tls: boolean;
	/** Measured by `slotwire bench` without filters. */
	readonly standard: boolean;
	/** Measured by `--quick`. */
	readonly quick: boolean;
	/** At least so many rounds. */
	readonly rounds: number;
	/** Tuning of slotwire, which other clients do not have: keys of a command, connections of a node. */
	readonly chunkSize?: number;
	readonly poolSize?: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const READ_SIZES = [512, 2 * KIB, 8 * KIB];
const BATCH_KEYS = [32, 64, 128, 256];
const LARGE_SIZES = [64 * KIB, MIB, 4 * MIB];

export type Shape = Pick<Workload, "call" | "keys" | "valueBytes"> & Partial<Workload>;

/** A workload that is not on the list below, or is to be. */
export function workload(shape: Shape): Workload {
	const plain = {
		topology: "standalone",
		inFlight: 1,
		tagged: false,
		replies: "buffers",
		tls: false,
		standard: false,
		quick: false,
		rounds: 5,
	} as const;
	const full = { ...plain, ...shape };
	return { ...full, name: nameOf(full) };
}

function nameOf({ call, keys, valueBytes, inFlight, tagged, replies, tls, topology }: Omit<Workload, "name">): string {
	const parts = [call, ...(keys > 1 ? [keys] : []), formatBytes(valueBytes)];
	if (keys === 1) parts.push(`x${inFlight}`);
	if (topology !== "standalone") parts.push(tagged ? "tagged" : "untagged");
	if (replies === "strings") parts.push("strings");
	if (tls) parts.push("tls");
	return parts.join("-");
}

export function formatBytes(bytes: number): string {
	if (bytes >= MIB) return `${bytes / MIB}MiB`;
	return bytes >= KIB ? `${bytes / KIB}KiB` : `${bytes}B`;
}

/** Whether the standard run measures it. */
function isStandard(shape: Shape): boolean {
	const { call, keys, valueBytes, inFlight = 1 } = shape;
	if (call === "get" && keys === 1) {
		if (valueBytes === 512) return inFlight === 1 || inFlight === 256;
		return (valueBytes === 64 && inFlight === 16) || valueBytes === MIB;
	}
	if (call === "getInto" || call === "set") return valueBytes === MIB;
	return keys === 128 && (call === "mget" || valueBytes <= 2 * KIB);
}

function standalone(): Workload[] {
	const shapes: Shape[] = [
		{ call: "get", keys: 1, valueBytes: 512, inFlight: 1, rounds: 7, quick: true },
		{ call: "get", keys: 1, valueBytes: 64, inFlight: 16, quick: true },
		{ call: "get", keys: 1, valueBytes: 512, inFlight: 16 },
		{ call: "get", keys: 1, valueBytes: 512, inFlight: 256, quick: true },
	];
	for (const keys of BATCH_KEYS) {
		for (const valueBytes of READ_SIZES)
			shapes.push({ call: "mget", keys, valueBytes, quick: keys === 128 && valueBytes === 2 * KIB });
	}
	for (const valueBytes of READ_SIZES) shapes.push({ call: "setMany", keys: 128, valueBytes, quick: valueBytes === 2 * KIB });
	for (const call of ["get", "getInto", "set"] as const) {
		for (const valueBytes of LARGE_SIZES)
			shapes.push({ call, keys: 1, valueBytes, inFlight: 4, quick: call === "get" && valueBytes === MIB });
	}
	return shapes.map((shape) => workload({ ...shape, standard: isStandard(shape) }));
}

function clusters(): Workload[] {
	const all: Workload[] = [];
	for (const topology of ["cluster-3", "cluster-6"] as const) {
		const three = topology === "cluster-3";
		for (const valueBytes of READ_SIZES) {
			const standard = valueBytes === 2 * KIB;
			const quick = standard && three;
			for (const tagged of [false, true]) {
				for (const keys of BATCH_KEYS) {
					const isUsual = keys === 128;
					const shape = { call: "mget", keys, valueBytes, topology, tagged } as const;
					all.push(workload({ ...shape, standard: standard && isUsual, quick: quick && isUsual && !tagged }));
				}
			}
			all.push(workload({ call: "setMany", keys: 128, valueBytes, topology, standard, quick }));
			all.push(workload({ call: "setMany", keys: 128, valueBytes, topology, tagged: true }));
			// What a service did before it had batches: the same 128 values, read one by one.
			for (const call of ["concurrent", "loop"] as const) {
				for (const tagged of [false, true])
					all.push(workload({ call, keys: 128, valueBytes, topology, tagged, standard: standard && three }));
			}
		}
	}
	return all;
}

/** The same in strings, and some over TLS: three of each in the standard run. */
function variants(): Workload[] {
	const bases: Shape[] = [
		{ call: "get", keys: 1, valueBytes: 512, inFlight: 256 },
		{ call: "mget", keys: 128, valueBytes: 2 * KIB },
		{ call: "setMany", keys: 128, valueBytes: 2 * KIB },
	];
	const standard = [{ replies: "strings" } as const, { tls: true }].flatMap((variant) =>
		bases.map((base) => workload({ ...base, ...variant, standard: true })),
	);
	const names = new Set(standard.map(({ name }) => name));
	const inStrings = [...standalone(), ...clusters()]
		.filter(({ call }) => call !== "getInto" && call !== "loop")
		.map((it) => workload({ ...it, replies: "strings", standard: false, quick: false }));
	return [...standard, ...inStrings.filter(({ name, topology }) => topology !== "standalone" || !names.has(name))];
}

export const workloads: readonly Workload[] = [...standalone(), ...clusters(), ...variants()];

/** One request's keys, and the value of each. */
export interface WorkRequest {
	readonly keys: readonly string[];
	readonly values: readonly Buffer[];
}

/** So many different requests are cycled through: no client answers from what it holds, and no server from one hash bucket. */
const REQUESTS_OF_ONE_KEY = 256;
const REQUESTS_OF_MANY = 8;
export const TTL_SECONDS = 3600;

/** The requests of a workload. Keys are equally long, so that requests are as well. */
export function requestsOf({ call, keys, valueBytes, tagged }: Workload): WorkRequest[] {
	const count = keys > 1 || valueBytes >= 64 * KIB ? REQUESTS_OF_MANY : REQUESTS_OF_ONE_KEY;
	return Array.from({ length: count }, (_, request) => {
		const trace = `${call}${request.toString(36).padStart(2, "0")}`;
		return {
			keys: Array.from({ length: keys }, (_, i) =>
				tagged ? `lm:{${trace}}:chunk:${1000 + i}` : `lm:${trace}:chunk:${1000 + i}`,
			),
			values: Array.from({ length: keys }, (_, i) => Buffer.alloc(valueBytes, `${trace}:${1000 + i};`)),
		};
	});
}
