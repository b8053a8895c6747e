/** What a scan is asked for: its options checked, and the arguments they become. */
import { createHash } from "node:crypto";
import { InvalidOptionError } from "../errors.js";
import { type Argument, checkArgument } from "../resp/encode.js";
import { checkFields, checkFlag, checkInteger } from "../util/options.js";
import { type Key, type Limits, ownKey } from "./arguments.js";
import { readToken, type ScanPosition } from "./scan-token.js";

export interface CollectionScanOptions {
	/** A glob pattern, text or bytes: what does not match is left out. The server looks at it all the same. */
	match?: string | Uint8Array;
	/** How many elements the server looks at for one reply, about. Default: the server's own, 10. */
	count?: number;
	/** Where an earlier scan stopped: its `cursor`. */
	cursor?: string;
}

export interface ScanOptions extends CollectionScanOptions {
	/** Only keys of this type: `string`, `hash`, `zset` … */
	type?: string;
}

export interface HashScanOptions extends CollectionScanOptions {
	/** Fields without their values. Redis 7.4 and Valkey 8.1 have it. */
	novalues?: boolean;
}

type AnyScanOptions = ScanOptions & HashScanOptions;

export type ScanCommand = "SCAN" | "HSCAN" | "SSCAN" | "ZSCAN";

/** What a scan is of, and what of it is wanted: a cursor means something to the same scan only. */
export interface Scope {
	readonly command: ScanCommand;
	/** Digest of the key, "" for SCAN. */
	readonly key: string;
	readonly database: number;
	/** In hex; null: everything. */
	readonly match: string | null;
	readonly type: string | null;
	readonly novalues: boolean;
}

export interface ScanPlan {
	readonly scope: Scope;
	readonly count: number | null;
	/** Null: from the beginning. */
	readonly from: ScanPosition | null;
	/** The command up to its cursor, and what follows that. */
	readonly head: readonly Argument[];
	readonly tail: readonly Argument[];
}

const FIELDS: Readonly<Record<ScanCommand, readonly (keyof AnyScanOptions)[]>> = {
	SCAN: ["match", "count", "cursor", "type"],
	HSCAN: ["match", "count", "cursor", "novalues"],
	SSCAN: ["match", "count", "cursor"],
	ZSCAN: ["match", "count", "cursor"],
};

/**
 * @param key null for SCAN
 * @throws INVALID_OPTION, naming the field; INVALID_ARGUMENT for a key that cannot be sent
 */
export function planScan(command: ScanCommand, key: Argument | null, given: unknown, database: number, limits: Limits): ScanPlan {
	const options = checkFields(`${command.toLowerCase()}()`, given as AnyScanOptions | undefined, FIELDS[command]);
	const { count } = options;
	if (count !== undefined) checkInteger(count, "count", 1);
	const asked = askedFor(options, limits);
	const own: Scope = {
		command,
		key: key === null ? "" : createHash("sha256").update(key).digest("hex").slice(0, 32),
		database,
		match: asked.match ?? null,
		type: asked.type ?? null,
		novalues: asked.novalues ?? false,
	};
	const resumed = options.cursor === undefined ? null : readToken(options.cursor);
	if (resumed !== null) refuseOther(resumed.scope, { ...own, ...asked }, asked);
	const scope = resumed?.scope ?? own;
	const used = count ?? resumed?.count ?? null;
	const tail: Argument[] = [];
	if (scope.match !== null) tail.push("MATCH", Buffer.from(scope.match, "hex"));
	if (used !== null) tail.push("COUNT", String(used));
	if (scope.type !== null) tail.push("TYPE", scope.type);
	if (scope.novalues) tail.push("NOVALUES");
	return { scope, count: used, from: resumed?.position ?? null, head: key === null ? [command] : [command, key], tail };
}

/** Only what was given. */
function askedFor({ match, type, novalues }: AnyScanOptions, limits: Limits): Partial<Scope> {
	const asked: { match?: string; type?: string; novalues?: boolean } = {};
	if (match !== undefined) {
		if (typeof match !== "string" && !(match instanceof Uint8Array))
			throw new InvalidOptionError("match", "must be a string, a Buffer or a Uint8Array");
		asked.match = Buffer.from(sendable(match, "match", limits) as Key).toString("hex");
	}
	if (type !== undefined) {
		if (typeof type !== "string" || type === "") throw new InvalidOptionError("type", "must be a string that is not empty");
		asked.type = sendable(type, "type", limits) as string;
	}
	if (novalues !== undefined) asked.novalues = checkFlag(novalues, "novalues");
	return asked;
}

function sendable(value: string | Uint8Array, field: string, limits: Limits): Argument {
	try {
		return ownKey(checkArgument(value, 0, limits));
	} catch (error) {
		throw new InvalidOptionError(field, (error as Error).message);
	}
}

/** What is not given again is taken from the cursor; what is has to be the same. */
function refuseOther(before: Scope, now: Scope, asked: Partial<Scope>): void {
	if (before.command !== now.command)
		throw new InvalidOptionError("cursor", `is of ${before.command.toLowerCase()}(), not of ${now.command.toLowerCase()}()`);
	if (before.key !== now.key) throw new InvalidOptionError("cursor", "is of another key");
	if (before.database !== now.database) throw new InvalidOptionError("cursor", "is of another database");
	for (const field of ["match", "type", "novalues"] as const) {
		if (asked[field] !== undefined && asked[field] !== before[field])
			throw new InvalidOptionError(field, "is not what the scan of this cursor was begun with");
	}
}
