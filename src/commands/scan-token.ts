/**
 * A scan's state as text for its caller: base64url of eight bytes of checksum and the state.
 *
 * It holds no key and no value, but the pattern and the digest of a collection's key.
 */
import { createHash } from "node:crypto";
import { InvalidOptionError } from "../errors.js";
import type { Scope } from "./scan-options.js";

/** How far one hash table is read. */
export interface TablePosition {
	/** What the server said last; "0" at the beginning. */
	readonly cursor: string;
	/** Whose cursor it is: the process that keeps the table, see `TableWalk`. "" at the beginning. */
	readonly origin: string;
	readonly done: boolean;
}

/** How far a cluster is read. */
export interface ClusterPosition {
	/** Slots whose keys were all returned, as ranges. */
	readonly read: readonly (readonly [first: number, last: number])[];
	/** Slots on their way to another node, whose source was read: see `Coverage`. */
	readonly halfRead: readonly (readonly [slot: number, target: string, source: string, epoch: number])[];
	/** The node that is being read. */
	readonly pass: PassPosition | null;
	/** Nodes that were seen: a cursor means nothing to a cluster that has none of them. */
	readonly nodes: readonly string[];
}

export interface PassPosition extends TablePosition {
	readonly id: string;
	/** As the node was when it was begun with. */
	readonly epoch: number;
	readonly slots: readonly (readonly [first: number, last: number])[];
	/** Slots of {@link ClusterPosition.halfRead} at that time. */
	readonly halves: readonly number[];
}

export type ScanPosition = { readonly table: TablePosition } | { readonly cluster: ClusterPosition };

export interface ScanState {
	readonly scope: Scope;
	readonly count: number | null;
	readonly position: ScanPosition;
}

const VERSION = 1;
const CHECKSUM_BYTES = 8;

export function writeToken(state: ScanState): string {
	const body = Buffer.from(JSON.stringify([VERSION, state]));
	return Buffer.concat([checksum(body), body]).toString("base64url");
}

/** @throws INVALID_OPTION unless `writeToken` made it */
export function readToken(token: unknown): ScanState {
	if (typeof token !== "string") throw new InvalidOptionError("cursor", "must be a string, the cursor of another scan");
	const bytes = Buffer.from(token, "base64url");
	const body = bytes.subarray(CHECKSUM_BYTES);
	// Decoding skips what is no base64url, so a token is whole only if it comes out as it went in.
	const whole = bytes.toString("base64url") === token && checksum(body).equals(bytes.subarray(0, CHECKSUM_BYTES));
	if (!whole) throw new InvalidOptionError("cursor", "is not the cursor of a scan, or not all of it");
	const [version, state] = JSON.parse(body.toString()) as [number, ScanState];
	if (version !== VERSION) throw new InvalidOptionError("cursor", "was made by another version of this package");
	return state;
}

function checksum(body: Buffer): Buffer {
	return createHash("sha256").update("slotwire scan").update(body).digest().subarray(0, CHECKSUM_BYTES);
}
