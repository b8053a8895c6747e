import { type Argument, collectKeys, type KeyFinder, type KeySpec, parseKeySpec } from "./command-keys.js";
import { blocksUnflagged, blockTimeoutMs, connectionRefusal } from "./command-shared.js";
import type { Reply } from "./resp/reply.js";

/** Where a command without keys is sent on a cluster. `special`: the command needs code of its own, as SCAN does. */
export type RequestPolicy = "any" | "all-primaries" | "all-nodes" | "special";

/** How the replies of several nodes become one. `first`: there is one. `concat`: arrays are joined. */
export type ResponsePolicy =
	| "first"
	| "all-succeeded"
	| "one-succeeded"
	| "sum"
	| "min"
	| "max"
	| "logical-and"
	| "logical-or"
	| "concat"
	| "special";

/** The part of a command's description that is data. `keys` null: no way is known to find them here. */
export interface CommandDescription {
	readonly name: string;
	/** As the server counts: the name included, below 0 for "at least"; 0 when it is not known. */
	readonly arity: number;
	readonly readOnly: boolean;
	readonly write: boolean;
	readonly blocking: boolean;
	readonly keys: readonly KeySpec[] | KeyFinder | null;
	readonly requestPolicy: RequestPolicy;
	readonly responsePolicy: ResponsePolicy;
	readonly subcommands: readonly CommandDescription[];
}

/** What a router must know about one command; for a container such as CONFIG, about one of its subcommands. */
export class CommandInfo {
	/** Upper case; a subcommand's is `CONFIG|GET`. */
	readonly name: string;
	readonly arity: number;
	/** The server flags it so: it may go to a replica, and once more to a primary when its reply was lost. */
	readonly readOnly: boolean;
	readonly write: boolean;
	/** It may block, depending on its arguments for XREAD and XREADGROUP: see {@link blockTimeoutMs}. */
	readonly blocking: boolean;
	/** EVAL* and FCALL*: an error out of a script is no refusal before execution. */
	readonly script: boolean;
	/** False: {@link keys} finds nothing, ask the server with COMMAND GETKEYS. */
	readonly keysKnown: boolean;
	/** The index of its only key when that is always the same; 0: ask {@link keys}. */
	readonly onlyKey: number;
	readonly requestPolicy: RequestPolicy;
	readonly responsePolicy: ResponsePolicy;
	/** By upper-case name without the container's; null when it is no container. */
	readonly subcommands: ReadonlyMap<string, CommandInfo> | null;
	/** Why it may never go on a shared connection, whatever its arguments; null: it may. */
	readonly connectionRefusal: string | null;
	readonly #keys: readonly KeySpec[] | KeyFinder;

	constructor(description: CommandDescription) {
		const { name, keys, subcommands } = description;
		this.name = name;
		this.arity = description.arity;
		this.readOnly = description.readOnly;
		this.write = description.write;
		this.blocking = description.blocking || blocksUnflagged(name);
		this.script = name.startsWith("EVAL") || name.startsWith("FCALL");
		this.keysKnown = keys !== null;
		this.onlyKey = onlyKey(keys);
		this.requestPolicy = description.requestPolicy;
		this.responsePolicy = description.responsePolicy;
		this.subcommands = subcommands.length === 0 ? null : new Map(subcommands.map((sub) => [subName(sub), new CommandInfo(sub)]));
		this.connectionRefusal = connectionRefusal(name);
		this.#keys = keys ?? [];
	}

	/**
	 * The indexes of the key arguments in `args`, in the order the server names them; channels of sharded pub/sub count as keys.
	 * @throws INVALID_ARGUMENT, with its index, for a number of keys that is no whole number or larger than what follows it
	 */
	keys(args: readonly Argument[]): number[] {
		if (typeof this.#keys === "function") return this.#keys(args);
		const indexes: number[] = [];
		for (const spec of this.#keys) collectKeys(spec, args, indexes);
		return indexes;
	}

	/** How long the command may block, in ms: 0 for ever, null when it does not. A timeout that the server would refuse counts as null. */
	blockTimeoutMs(args: readonly Argument[]): number | null {
		return blockTimeoutMs(args, this);
	}
}

function onlyKey(keys: readonly KeySpec[] | KeyFinder | null): number {
	if (keys === null || typeof keys === "function" || keys.length !== 1) return 0;
	const spec = keys[0]!;
	return spec.keyword === null && spec.countAt === -1 && spec.last === 0 ? spec.index : 0;
}

function subName(sub: CommandDescription): string {
	return sub.name.slice(sub.name.indexOf("|") + 1);
}

const REQUEST_POLICIES: ReadonlyMap<string, RequestPolicy> = /* @__PURE__ */ new Map<string, RequestPolicy>([
	["all_nodes", "all-nodes"],
	["all_shards", "all-primaries"],
	// Cut up by the batch layer; as one command it goes where its keys are.
	["multi_shard", "any"],
	["special", "special"],
]);

const RESPONSE_POLICIES: ReadonlyMap<string, ResponsePolicy> = /* @__PURE__ */ new Map<string, ResponsePolicy>([
	["all_succeeded", "all-succeeded"],
	["one_succeeded", "one-succeeded"],
	["agg_sum", "sum"],
	["agg_min", "min"],
	["agg_max", "max"],
	["agg_logical_and", "logical-and"],
	["agg_logical_or", "logical-or"],
	["special", "special"],
]);

/**
 * The two policies out of a server's own words. A word of a newer server counts as `special`. Without a word for the reply, those of
 * several nodes are joined.
 * @see https://redis.io/docs/latest/develop/reference/command-tips/
 */
export function policies(request: string | undefined, response: string | undefined): [RequestPolicy, ResponsePolicy] {
	const requestPolicy = request === undefined ? "any" : (REQUEST_POLICIES.get(request) ?? "special");
	if (response !== undefined) return [requestPolicy, RESPONSE_POLICIES.get(response) ?? "special"];
	if (requestPolicy === "special") return ["special", "special"];
	return [requestPolicy, requestPolicy === "any" ? "first" : "concat"];
}

/**
 * The command that one element of a COMMAND or COMMAND INFO reply describes, of either protocol and of any server since Redis 2.8.13;
 * null when the element has not that shape, as the null of a command that the server does not know.
 */
export function fromCommandReply(reply: Reply): CommandInfo | null {
	const description = describeReply(reply);
	return description === null ? null : new CommandInfo(description);
}

/** {@link fromCommandReply} before it is an object with behaviour: what the generator of the shipped table writes down. */
export function describeReply(reply: Reply): CommandDescription | null {
	if (!Array.isArray(reply) || reply.length < 6) return null;
	const name = textOf(reply[0]);
	if (name === null || typeof reply[1] !== "number") return null;
	const flags = textsOf(reply[2]);
	const tips = textsOf(reply[7]);
	const [requestPolicy, responsePolicy] = policies(tipOf(tips, "request_policy:"), tipOf(tips, "response_policy:"));
	const subcommands = Array.isArray(reply[9]) ? reply[9].map(describeReply) : [];
	return {
		name: name.toUpperCase(),
		arity: reply[1],
		readOnly: flags.includes("readonly"),
		write: flags.includes("write"),
		blocking: flags.includes("blocking"),
		keys: Array.isArray(reply[8]) ? specsOf(reply[8], flags) : legacyKeys(reply, flags),
		requestPolicy,
		responsePolicy,
		subcommands: subcommands.filter((sub) => sub !== null),
	};
}

/** Before Redis 7: first, last and step; `last` counts from the start of the command, or below 0 from its end. */
function legacyKeys(reply: Reply[], flags: string[]): readonly KeySpec[] | null {
	if (flags.includes("movablekeys")) return null;
	const [first, last, step] = [numberOf(reply[3]), numberOf(reply[4]), numberOf(reply[5])];
	if (first === 0) return [];
	if (first < 0 || step < 1 || Number.isNaN(first + last + step)) return null;
	return [{ ...parseKeySpec("1"), index: first, last: last > 0 ? last - first : last, step }];
}

function specsOf(reply: Reply[], flags: string[]): readonly KeySpec[] | null {
	const specs = reply.map(specOf);
	// A module that finds its keys by code has one plain range for old clients and this flag: the range is not the truth.
	const plain = specs.length <= 1 && specs.every((spec) => spec !== null && spec.keyword === null && spec.countAt === -1);
	if (plain && flags.includes("movablekeys")) return null;
	return specs.some((spec) => spec === null) ? null : (specs as KeySpec[]);
}

/** One key specification; null when it is unknown, incomplete or of a newer kind. */
function specOf(reply: Reply): KeySpec | null {
	const fields = fieldsOf(reply);
	const begin = fieldsOf(fields.get("begin_search"));
	const find = fieldsOf(fields.get("find_keys"));
	if (textsOf(fields.get("flags")).includes("incomplete")) return null;
	const from = fieldsOf(begin.get("spec"));
	const walk = fieldsOf(find.get("spec"));
	const byKeyword = textOf(begin.get("type")) === "keyword";
	const counted = textOf(find.get("type")) === "keynum";
	const spec: KeySpec = {
		keyword: byKeyword ? (textOf(from.get("keyword"))?.toUpperCase() ?? "") : null,
		index: numberOf(from.get(byKeyword ? "startfrom" : "index")),
		last: counted ? 0 : numberOf(walk.get("lastkey")),
		step: numberOf(walk.get("keystep")),
		parts: counted ? 1 : Math.max(1, numberOf(walk.get("limit"))),
		countAt: counted ? numberOf(walk.get("keynumidx")) : -1,
		firstAt: counted ? numberOf(walk.get("firstkey")) : 0,
	};
	// A search that goes backwards has a start below 0, an unknown kind has NaN: neither can be walked here.
	const { keyword, index, last, step, parts, countAt, firstAt } = spec;
	return index >= 1 && step >= 1 && firstAt >= 0 && keyword !== "" && !Number.isNaN(last + parts + countAt) ? spec : null;
}

/** RESP3 sends maps, RESP2 flat arrays of names and values. */
function fieldsOf(reply: Reply | undefined): Map<string, Reply> {
	const fields = new Map<string, Reply>();
	if (reply instanceof Map) {
		for (const [name, value] of reply) fields.set(textOf(name) ?? "", value);
	} else if (Array.isArray(reply)) {
		for (let i = 0; i + 1 < reply.length; i += 2) fields.set(textOf(reply[i]) ?? "", reply[i + 1]!);
	}
	return fields;
}

function tipOf(tips: string[], prefix: string): string | undefined {
	return tips.find((tip) => tip.startsWith(prefix))?.slice(prefix.length);
}

function textsOf(reply: Reply | undefined): string[] {
	return Array.isArray(reply) ? reply.map((item) => textOf(item) ?? "") : [];
}

function textOf(reply: Reply | undefined): string | null {
	if (typeof reply === "string") return reply;
	return Buffer.isBuffer(reply) ? reply.toString() : null;
}

function numberOf(reply: Reply | undefined): number {
	return typeof reply === "number" ? reply : Number.NaN;
}
