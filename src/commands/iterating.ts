/** Iterators over keys and over the elements of one key. */
import type { Core, View } from "../core.js";
import type { Key } from "./arguments.js";
import { BlockingCommands } from "./blocking.js";
import { type Scan, scanElements, scanKeys } from "./scan.js";
import type { CollectionScanOptions, HashScanOptions, ScanOptions } from "./scan-options.js";
import type { Calls } from "./surface.js";

/** From here on the methods are more than a command each: what they give back sends others, later. */
export abstract class IteratingCommands<Text extends string | Buffer> extends BlockingCommands<Text, Calls> {
	/**
	 * Has `use` begin what is more than a command in words, for this view of the client.
	 * @internal
	 */
	protected abstract withCore<R>(use: (core: Core, view: View) => R): R;

	/**
	 * Goes through the keys: of the server, of all primaries of a cluster, or on a leased connection of its node. `SCAN cursor [MATCH pattern]
	 * [COUNT count] [TYPE type]`, one call for each page, each with the view's deadline and signal; one primary after the other.
	 *
	 * A key that is there from the beginning to the end is handed over at least once, also when slots move, primaries fail over, or a server is
	 * started anew meanwhile: what was scattered by that is read again. Keys may come more than once. On a cluster `CLUSTER NODES` is sent
	 * beside it, and `INFO server` where a scan takes more than one page; where they are refused, the client's own map is trusted, and a server
	 * that was started anew is not noticed.
	 * @returns an iterable to go through once: keys, or by `pages()` arrays of them; see {@link Scan}
	 * @throws INVALID_OPTION at the call, and for the cursor of another cluster at the first step; CLUSTER when slots move faster than they are
	 *   read, 16 times without a step forward; PROTOCOL, TIMEOUT, CONNECTION, ABORTED, CLOSED: `cursor` then says where to go on
	 * @see https://valkey.io/commands/scan/
	 */
	scan(options?: ScanOptions): Scan<Text> {
		return this.withCore((core, view) => scanKeys<Text>(core, view, options));
	}

	/**
	 * Goes through the fields of a hash. `HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]`; as {@link scan}, nothing for a missing key
	 * @returns an iterable of `[field, value]`, with `novalues` of fields
	 * @throws INVALID_ARGUMENT, INVALID_OPTION at the call; WRONGTYPE, CONNECTION when who holds the key was replaced 16 times, and as {@link get}
	 * @see https://valkey.io/commands/hscan/
	 */
	hscan(key: Key, options: HashScanOptions & { novalues: true }): Scan<Text>;
	hscan(key: Key, options?: HashScanOptions & { novalues?: false }): Scan<[field: Text, value: Text]>;
	hscan(key: Key, options?: HashScanOptions): Scan<Text | [field: Text, value: Text]>;
	hscan(key: Key, options?: HashScanOptions): Scan<Text | [field: Text, value: Text]> {
		return this.withCore((core, view) => scanElements(core, view, "HSCAN", key, options));
	}

	/**
	 * Goes through the members of a set. `SSCAN key cursor [MATCH pattern] [COUNT count]`; as {@link hscan}
	 * @returns an iterable of members
	 * @see https://valkey.io/commands/sscan/
	 */
	sscan(key: Key, options?: CollectionScanOptions): Scan<Text> {
		return this.withCore((core, view) => scanElements(core, view, "SSCAN", key, options));
	}

	/**
	 * Goes through the members of a sorted set, in no order. `ZSCAN key cursor [MATCH pattern] [COUNT count]`; as {@link hscan}
	 * @returns an iterable of `[member, score]`; scores are numbers, `Infinity` among them
	 * @see https://valkey.io/commands/zscan/
	 */
	zscan(key: Key, options?: CollectionScanOptions): Scan<[member: Text, score: number]> {
		return this.withCore((core, view) => scanElements(core, view, "ZSCAN", key, options));
	}
}
