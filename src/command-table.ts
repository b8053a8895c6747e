import { type CommandDescription, CommandInfo, fromCommandReply, policies } from "./command-info.js";
import { type Argument, asText, type KeyFinder, migrateKeys, parseKeySpec, sortKeys } from "./command-keys.js";
import { blockingRefusal } from "./command-shared.js";
import { COMMAND_DATA } from "./command-table-data.js";
import { ADDED_COMMANDS, ADDED_SUBCOMMANDS, CORRECTIONS, WIDENED } from "./command-table-extra.js";
import { ClientError } from "./errors.js";
import type { Reply } from "./resp/reply.js";
import { keySlot } from "./slot.js";

export { CommandInfo, fromCommandReply, type RequestPolicy, type ResponsePolicy } from "./command-info.js";

/** Longer words name no command of any server; their bytes are not decoded to find that out. */
const MAX_NAME = 64;

/** Of commands learned from a server, per client: names are the caller's, so they are bounded. */
const MAX_LEARNED = 1024;

const FINDERS: Readonly<Record<string, KeyFinder>> = { "!sort": sortKeys, "!migrate": migrateKeys };

/** Upper-case name -> its line of the shipped table, replaced by what the line says the first time it is asked for. */
let shipped: Map<string, string | CommandInfo> | null = null;

/**
 * The shipped description of the command that `args` spell, its name and its subcommand in any case, as strings or bytes.
 * A container with nothing after its name is described itself; a name or a subcommand that is not in the table gives undefined.
 */
export function lookup(args: readonly Argument[]): CommandInfo | undefined {
	if (args.length === 0) return undefined;
	return subcommandOf(byName(args[0]!, shippedByName), args);
}

/** The shipped table together with what one client learned from its servers. */
export class CommandTable {
	readonly #learned = new Map<string, CommandInfo>();

	/** {@link lookup}, and where that knows nothing, what was learned. */
	lookup(args: readonly Argument[]): CommandInfo | undefined {
		const info = lookup(args);
		if (info !== undefined || args.length === 0 || this.#learned.size === 0) return info;
		const own = byName(args[0]!, (name) => this.#learned.get(name));
		const found = subcommandOf(own, args);
		if (found !== undefined) return found;
		const name = this.unknownName(args);
		return name === null ? undefined : this.#learned.get(name);
	}

	/**
	 * What to ask `COMMAND INFO` about when {@link lookup} gives undefined, upper case: `FOO`, or `FOO|BAR` for a subcommand of a known container.
	 * Null: too long for a name, any node will refuse it.
	 */
	unknownName(args: readonly Argument[]): string | null {
		const name = asText(args[0]!, MAX_NAME)?.toUpperCase() ?? null;
		if (name === null || args.length < 2) return name;
		const container = shippedByName(name) ?? this.#learned.get(name);
		if (container === undefined) return name;
		const sub = asText(args[1]!, MAX_NAME);
		return sub === null ? null : `${name}|${sub.toUpperCase()}`;
	}

	/**
	 * Keeps a server's answer about {@link unknownName}, one element of the reply to COMMAND INFO. The shipped table stays the stronger one: its
	 * hand-kept key positions are exact where servers' are not. Null, a command the server does not know, is kept too, as one without keys, so
	 * that it is not asked about again; should a server come to know it, a redirection still finds the node.
	 */
	learn(name: string, reply: Reply): void {
		if (this.#learned.size >= MAX_LEARNED) this.#learned.clear();
		const upper = name.toUpperCase();
		const info = fromCommandReply(reply) ?? new CommandInfo({ ...BLANK, name: upper, keys: reply === null ? [] : null });
		this.#learned.set(upper, info);
	}
}

/** Why this command may not go on a connection that others share, in one sentence without its values; null when it may. */
export function sharedRefusal(args: readonly Argument[], info: CommandInfo): string | null {
	return info.connectionRefusal ?? blockingRefusal(args, info);
}

/**
 * The slot of all keys of a command whose keys are known, -1 when it has none.
 * @throws CROSSSLOT when its keys hash to different slots; INVALID_ARGUMENT for a malformed number of keys
 */
export function commandSlot(args: readonly Argument[], info: CommandInfo): number {
	if (info.onlyKey !== 0) return info.onlyKey < args.length ? keySlot(args[info.onlyKey]!) : -1;
	const keys = info.keys(args);
	let slot = -1;
	for (const index of keys) slot = sameSlot(slot, args[index]!, info.name);
	return slot;
}

/** The slot of keys that were found in another way, such as by COMMAND GETKEYS; otherwise as {@link commandSlot}. */
export function slotOfKeys(keys: readonly Argument[], name: string): number {
	let slot = -1;
	for (const key of keys) slot = sameSlot(slot, key, name);
	return slot;
}

function sameSlot(slot: number, key: Argument, name: string): number {
	const own = keySlot(key);
	if (slot === -1 || own === slot) return own;
	const command = name.replace("|", " ");
	const many = MANY[name] === undefined ? "" : `; the client's ${MANY[name]} takes keys of any slots`;
	throw new ClientError("CROSSSLOT", `${command}: the keys of one command hash to different slots, ${slot} and ${own}${many}`);
}

/** What does the same for keys of any slots. */
const MANY: Readonly<Record<string, string>> = {
	MGET: "mget()",
	MSET: "setMany()",
	DEL: "delMany()",
	EXISTS: "existsMany()",
	UNLINK: "unlink()",
	TOUCH: "touch()",
};

/** Names are written in upper case almost always: no copy is made of one that is found as it stands. */
function byName(arg: Argument, find: (name: string) => CommandInfo | undefined): CommandInfo | undefined {
	const name = asText(arg, MAX_NAME);
	return name === null ? undefined : (find(name) ?? find(name.toUpperCase()));
}

function subcommandOf(info: CommandInfo | undefined, args: readonly Argument[]): CommandInfo | undefined {
	const subcommands = info?.subcommands;
	if (subcommands == null || args.length < 2) return info;
	return byName(args[1]!, (name) => subcommands.get(name));
}

function shippedByName(name: string): CommandInfo | undefined {
	shipped ??= index();
	const entry = shipped.get(name);
	if (typeof entry !== "string") return entry;
	const info = new CommandInfo(parseLine(entry));
	shipped.set(name, info);
	return info;
}

function index(): Map<string, string> {
	const lines = new Map<string, string>();
	for (const line of COMMAND_DATA.trim().split("\n")) lines.set(line.slice(0, line.indexOf(" ")), line);
	for (const [shape, names] of ADDED_COMMANDS) {
		for (const name of names.split(" ")) lines.set(name, `${name} 0 ${shape}`);
	}
	for (const line of ADDED_SUBCOMMANDS.trim().split("\n")) {
		const [container, subs] = line.split(/ (.*)/) as [string, string];
		lines.set(container, `${lines.get(container) ?? `${container} 0`}|${subs}`);
	}
	return lines;
}

const BLANK: CommandDescription = {
	name: "",
	arity: 0,
	readOnly: false,
	write: false,
	blocking: false,
	keys: [],
	requestPolicy: "any",
	responsePolicy: "first",
	subcommands: [],
};

/** `NAME arity flags keys policies|SUB arity …`; trailing fields may be absent, `-` is an empty one. */
function parseLine(line: string): CommandDescription {
	const [own, ...subs] = line.split("|") as [string, ...string[]];
	const description = parseFields(own, "");
	return { ...description, subcommands: subs.map((sub) => parseFields(sub, `${description.name}|`)) };
}

function parseFields(text: string, container: string): CommandDescription {
	const [word, arity, flags = "-", ownKeys = "-", ownTips = "-"] = text.split(" ") as [string, string, string?, string?, string?];
	const name = container + word;
	const [keys = ownKeys, tips = ownTips] = CORRECTIONS[name] ?? [];
	const [request, response] = tips === "-" ? [] : tips.split("/");
	const [requestPolicy, responsePolicy] = policies(request || undefined, response);
	return {
		...BLANK,
		name,
		arity: WIDENED[name] ?? Number(arity),
		readOnly: flags.includes("r"),
		write: flags.includes("w"),
		blocking: flags.includes("b"),
		keys: parseKeys(keys),
		requestPolicy,
		responsePolicy,
	};
}

function parseKeys(text: string): CommandDescription["keys"] {
	if (text === "-") return [];
	if (text === "?") return null;
	return FINDERS[text] ?? text.split(",").map(parseKeySpec);
}
