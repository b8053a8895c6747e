/** What a client must do to be measured, and where its adapter is. One small file for each, in `adapters/`. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Workload, WorkRequest } from "./workload.js";

/** Where the servers are. */
export interface Target {
	readonly host: string;
	/** Of the server, or of every primary. */
	readonly ports: readonly number[];
	readonly cluster: boolean;
	/** PEM of the authority to trust; TLS is used when there is one. */
	readonly ca?: string;
}

export type Read = Uint8Array | string | null;

/**
 * One client at its best: Buffers out unless strings are asked for, its own call or pipeline for many keys. What is absent, it cannot do.
 * Its functions are called without `this`.
 */
export interface Driver {
	get?(key: string): Promise<Read>;
	/** Resolves with the bytes written into `target`. */
	getInto?(key: string, target: Buffer<ArrayBuffer>): Promise<number | null>;
	set?(key: string, value: Buffer | string): Promise<unknown>;
	mget?(keys: readonly string[]): Promise<readonly Read[]>;
	/** Sets each key to the value beside it, with a time to live. */
	setMany?(keys: readonly string[], values: readonly (Buffer | string)[], ttlSeconds: number): Promise<unknown>;
	/** It resolves with nothing: it counts bytes, and its reads cannot be checked. */
	readonly countsOnly?: true;
	/** Its calls for many keys return text, also where Buffers are asked for. */
	readonly textBatches?: true;
	close(): Promise<void>;
}

export interface Adapter {
	/** Of the client. */
	readonly version: string;
	connect(target: Target, workload: Workload, requests: readonly WorkRequest[]): Promise<Driver>;
}

export interface AdapterEntry {
	readonly name: string;
	/** The package it measures; null: slotwire itself. */
	readonly peer: string | null;
	/** "bun": it runs in that runtime. */
	readonly runtime: "node" | "bun";
	/** The reference, not a client. */
	readonly floor?: true;
	/** Its sockets are not those of `node:net`. */
	readonly native?: true;
}

/** In the order of every table. A new one adds its line here and `adapters/<name>.ts`, which exports `load(): Promise<Adapter>`. */
export const adapters: readonly AdapterEntry[] = [
	{ name: "slotwire", peer: null, runtime: "node" },
	{ name: "floor", peer: null, runtime: "node", floor: true },
	{ name: "floor-onread", peer: null, runtime: "node", floor: true },
	{ name: "ioredis", peer: "ioredis", runtime: "node" },
	{ name: "ioredis-auto", peer: "ioredis", runtime: "node" },
	{ name: "node-redis", peer: "redis", runtime: "node" },
	{ name: "glide", peer: "@valkey/valkey-glide", runtime: "node", native: true },
	{ name: "iovalkey", peer: "iovalkey", runtime: "node" },
	{ name: "bun", peer: "bun", runtime: "bun", native: true },
];

/** Peers are looked for from the user's folder: they are no dependencies of slotwire. */
function fromHere() {
	return createRequire(join(process.cwd(), "package.json"));
}

/** The file that a peer is loaded from; null when it is not installed. */
export function locatePeer(name: string): string | null {
	try {
		return fromHere().resolve(name === "bun" ? "bun/package.json" : name);
	} catch {
		return null;
	}
}

/** Loads a peer. `T` is the part of it that the adapter uses. */
export async function loadPeer<T>(name: string): Promise<T> {
	const file = locatePeer(name);
	if (file === null) throw new Error(`${name} is not installed here`);
	const loaded = (await import(pathToFileURL(file).href)) as { default?: T } & T;
	return loaded.default ?? loaded;
}

/** The version in a peer's own package.json, which not every package exports. */
export function versionOf(name: string): string {
	for (const folder of fromHere().resolve.paths(name) ?? []) {
		try {
			return (fromHere()(join(folder, name, "package.json")) as { version: string }).version;
		} catch {}
	}
	return "unknown";
}

/** Bun's own executable, out of its package; null where that is not installed. */
export function bunBinary(): string | null {
	const file = locatePeer("bun");
	if (file === null) return null;
	const { bin } = fromHere()(file) as { bin: { bun: string } };
	return join(dirname(file), bin.bun);
}
