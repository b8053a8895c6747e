import { type Argument, asText, isWord } from "./command-keys.js";

/**
 * What may not run on a connection that many callers share, and how long a blocking command may take.
 *
 * A command is refused for the state it leaves behind on its connection or for the time it holds the connection,
 * not for being dangerous: SHUTDOWN, FAILOVER, FLUSHALL or CLIENT KILL act on the server and are the caller's to send.
 */

const STATE_REASON = "changes the state of its connection, which other callers share; use withConnection";
const SUBSCRIBER_REASON = "turns its connection into a subscriber's, and other callers share it; use withConnection";
const STREAM_REASON = "turns its connection into an endless stream, and other callers share it; use withConnection";
const BLOCKING_REASON = "may block its connection, which other callers share; use";
const WAITING_REASON =
	"waits for the writes of its own connection, which other callers share; write and wait inside withConnection";

/** By {@link CommandInfo.name}. CLIENT IMPORT-SOURCE and CLUSTER SYNCSLOTS are Valkey's. */
const REFUSED: ReadonlyMap<string, string> = /* @__PURE__ */ refusals();

function refusals(): Map<string, string> {
	const state =
		"SELECT AUTH HELLO RESET QUIT MULTI EXEC DISCARD WATCH UNWATCH READONLY READWRITE ASKING SCRIPT|DEBUG CLIENT|REPLY " +
		"CLIENT|TRACKING CLIENT|CACHING CLIENT|NO-EVICT CLIENT|NO-TOUCH CLIENT|SETNAME CLIENT|SETINFO CLIENT|CAPA CLIENT|IMPORT-SOURCE";
	const subscriber = "SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE";
	const stream = "MONITOR SYNC PSYNC REPLCONF CLUSTER|SYNCSLOTS";
	const map = new Map<string, string>();
	for (const name of state.split(" ")) map.set(name, STATE_REASON);
	for (const name of subscriber.split(" ")) map.set(name, SUBSCRIBER_REASON);
	for (const name of stream.split(" ")) map.set(name, STREAM_REASON);
	return map;
}

/** What decides it; {@link CommandInfo} has both. */
interface Command {
	readonly name: string;
	readonly blocking: boolean;
}

/** Why a command never goes on a shared connection, whatever its arguments; null when it may. */
export function connectionRefusal(name: string): string | null {
	const reason = REFUSED.get(name);
	return reason === undefined ? null : `${name.replace("|", " ")} ${reason}`;
}

/** Why these arguments would hold a shared connection; null when they would not. */
export function blockingRefusal(args: readonly Argument[], command: Command): string | null {
	if (!mayBlock(args, command)) return null;
	const name = command.name.replace("|", " ");
	if (blocksUnflagged(name)) return `${name} ${WAITING_REASON}`;
	const method = TIMEOUTS.has(name) || isStreamRead(name) ? `client.${name.toLowerCase()}() or ` : "";
	return `${name} ${BLOCKING_REASON} ${method}withConnection`;
}

/** Whether these arguments may have the server wait. */
export function mayBlock(args: readonly Argument[], { name, blocking }: Command): boolean {
	return blocking && !(isStreamRead(name) && blockOption(args) === -1);
}

/** Where the block timeout stands: an index, below 0 from the end; and its unit in ms. XREAD and XREADGROUP have an option instead. */
const TIMEOUTS: ReadonlyMap<string, readonly [at: number, unitMs: number]> = /* @__PURE__ */ new Map<string, [number, number]>([
	["BLPOP", [-1, 1000]],
	["BRPOP", [-1, 1000]],
	["BRPOPLPUSH", [-1, 1000]],
	["BLMOVE", [-1, 1000]],
	["BZPOPMIN", [-1, 1000]],
	["BZPOPMAX", [-1, 1000]],
	["BLMPOP", [1, 1000]],
	["BZMPOP", [1, 1000]],
	["WAIT", [2, 1]],
	["WAITAOF", [3, 1]],
]);

/**
 * How long a command may block, in ms: 0 for ever, null when it does not block.
 * A timeout the server refuses counts as null, for the refusal comes at once; a blocking command with a timeout in an unknown place counts as 0.
 */
export function blockTimeoutMs(args: readonly Argument[], { name, blocking }: Command): number | null {
	if (!blocking) return null;
	if (isStreamRead(name)) {
		const at = blockOption(args);
		return at === -1 ? null : milliseconds(args[at], 1);
	}
	const place = TIMEOUTS.get(name);
	if (place === undefined) return 0;
	const [at, unitMs] = place;
	return milliseconds(args[at < 0 ? args.length + at : at], unitMs);
}

/** Commands that block though servers do not flag them. */
export function blocksUnflagged(name: string): boolean {
	return name === "WAIT" || name === "WAITAOF";
}

/**
 * The same command with a block time of `ms`, rounded up; as it is, where nobody knows the place of that. It does not become 0, which is for
 * ever: old servers cut off what is less than a millisecond, so seconds are no less than a hundredth.
 */
export function withBlockTime(args: readonly Argument[], { name }: Command, ms: number): readonly Argument[] {
	const [at, unitMs] = isStreamRead(name) ? [blockOption(args), 1] : (TIMEOUTS.get(name) ?? [0, 1]);
	const index = at < 0 && !isStreamRead(name) ? args.length + at : at;
	if (index <= 0) return args;
	const text = unitMs === 1 ? String(Math.max(1, Math.ceil(ms))) : String(Math.max(10, Math.ceil(ms)) / unitMs);
	return args.with(index, text);
}

function milliseconds(arg: Argument | undefined, unitMs: number): number | null {
	const text = arg === undefined ? null : asText(arg, 32);
	if (text === null || text.trim() === "") return null;
	const value = Math.ceil(Number(text) * unitMs);
	return value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : null;
}

function isStreamRead(name: string): boolean {
	return name === "XREAD" || name === "XREADGROUP";
}

/** The index of BLOCK's value, -1 without one; the last BLOCK counts. A group or a consumer may itself read "block". */
function blockOption(args: readonly Argument[]): number {
	let at = -1;
	for (let i = 1; i < args.length; i++) {
		const arg = args[i]!;
		if (isWord(arg, "STREAMS")) break;
		if (isWord(arg, "BLOCK")) at = ++i;
		else if (isWord(arg, "GROUP")) i += 2;
	}
	return at;
}
