/** `command()`: what is needed to send any command the server knows. */
import { sendBlocking } from "../blocking-call.js";
import { blocksUnflagged, mayBlock } from "../command-shared.js";
import { type CommandInfo, type CommandTable, commandSlot, sharedRefusal, slotOfKeys } from "../command-table.js";
import type { Core, View } from "../core.js";
import type { Endpoint } from "../endpoint.js";
import { ClientError, InvalidArgumentError, ProtocolError, ReplyError } from "../errors.js";
import { combine, scopeOf } from "../fan-out.js";
import { CommandFlag, keyedAt } from "../request.js";
import { type Argument, checkArguments } from "../resp/encode.js";
import { type Reply, ReplyMode } from "../resp/reply.js";
import { type DefinedScript, ScriptRun } from "../script.js";
import { SingleRequest } from "../single-request.js";
import { keySlot } from "../slot.js";
import { ownKey } from "./arguments.js";
import { taken } from "./replies.js";
import type { Words } from "./surface.js";
import { scriptWords, takeOf } from "./words.js";

/** A command that was checked and placed. */
export interface Placed {
	readonly args: readonly Argument[];
	/** Null for a command nobody knows here, on a leased connection: it is sent as it is. */
	readonly info: CommandInfo | null;
	readonly slot: number;
	readonly flags: number;
	/** It is called by its hash, and this is the rest of it. */
	readonly script?: ScriptRun;
}

/**
 * Checks and places a command; a promise when a server has to be asked how its keys are found.
 * @param typed it was called by its own method: what stands for a key must be one, and nothing may be missing
 * @param leases a command that blocks gets a connection of its own
 * @throws INVALID_ARGUMENT, CROSSSLOT, UNSUPPORTED (it may not go on a shared connection)
 */
export function place(core: Core, view: View, input: Words, typed: boolean, leases = false): Placed | Promise<Placed> {
	const args = checkArguments(input, view.limits);
	const info = core.table.lookup(args);
	if (typed && info !== undefined) checkCall(input, args, info);
	// On a leased connection nothing is asked in between: it may be inside a transaction.
	if (view.dedicated) return { args, info: info ?? null, flags: flagsOf(info), slot: -1 };
	const ask: Ask = asker(core, view);
	if (info === undefined) return learn(core.table, args, ask).then((learned) => placeKnown(core, args, learned, ask, leases));
	return placeKnown(core, args, info, ask, leases);
}

/** A number is a value of many commands, and no key of any. */
function checkCall(input: Words, args: readonly Argument[], info: CommandInfo): void {
	const { arity, onlyKey, name } = info;
	if (arity > 0 ? args.length !== arity : args.length < -arity) {
		throw new InvalidArgumentError(args.length, `${name.replace("|", " ")}: argument ${args.length} is missing, or one too many`);
	}
	if (onlyKey !== 0) checkKeyWord(input, onlyKey);
	else if (info.keysKnown) for (const index of info.keys(args)) checkKeyWord(input, index);
}

function checkKeyWord(input: Words, index: number): void {
	const word = input[index];
	if (typeof word === "string" || word instanceof Uint8Array) return;
	throw new InvalidArgumentError(index, `argument ${index} must be a key: a string, a Buffer or a Uint8Array`);
}

function flagsOf(info: CommandInfo | undefined): number {
	return (info?.readOnly ? CommandFlag.readOnly : 0) | (info?.script ? CommandFlag.script : 0);
}

function placeKnown(core: Core, args: Argument[], info: CommandInfo, ask: Ask, leases: boolean): Placed | Promise<Placed> {
	const refusal = leases && blocksAlone(args, info) ? null : sharedRefusal(args, info);
	if (refusal !== null) throw new ClientError("UNSUPPORTED", refusal);
	const flags = flagsOf(info);
	if (core.dispatcher.keyGroups === 1) return { args, info, flags: flags | keyedFlag(args, info), slot: -1 };
	if (!info.keysKnown) return askForKeys(args, ask).then((keys) => ({ args, info, flags, slot: slotOfKeys(keys, info.name) }));
	if (core.settings.mode === "cluster") return { args, info, flags, slot: commandSlot(args, info) };
	const first = info.keys(args)[0];
	return { args, info, flags, slot: first === undefined ? -1 : keySlot(args[first] as Argument) };
}

/** It blocks, and can do so on any connection: WAIT looks at the writes of its own. */
function blocksAlone(args: readonly Argument[], info: CommandInfo): boolean {
	return info.connectionRefusal === null && mayBlock(args, info) && !blocksUnflagged(info.name);
}

/** Where slots do not matter for routing they still do for order. */
function keyedFlag(args: Argument[], info: CommandInfo): number {
	const first = info.keysKnown ? (info.keys(args)[0] ?? 0) : 0;
	if (first > 0) args[first] = ownKey(args[first] as Argument);
	return keyedAt(first);
}

type Ask = (args: Argument[], mode: ReplyMode) => Promise<Reply>;

/** Asks a server on behalf of a call: within the call's deadline, and until it is aborted. */
function asker(core: Core, view: View): Ask {
	return (args, mode) =>
		new Promise((resolve, reject) => {
			const request = new SingleRequest(args, -1, CommandFlag.readOnly, mode, null, resolve as (value: never) => void, reject);
			request.internal = true;
			core.start(request, view.timeoutMs, view.signal);
		});
}

/** Asks a server about a command the table does not have, and remembers the answer. */
async function learn(table: CommandTable, args: readonly Argument[], ask: Ask): Promise<CommandInfo> {
	const name = table.unknownName(args);
	if (name !== null) {
		const reply = await ask(["COMMAND", "INFO", name], ReplyMode.string).catch((error: ClientError) => {
			// A server that refuses COMMAND INFO says nothing about the command; any other failure is the caller's.
			if (error instanceof ReplyError) return [error];
			throw error;
		});
		table.learn(name, Array.isArray(reply) ? (reply[0] ?? null) : null);
	}
	const info = table.lookup(args);
	if (info === undefined) throw new ClientError("UNSUPPORTED", "the command could not be placed");
	return info;
}

async function askForKeys(args: readonly Argument[], ask: Ask): Promise<Argument[]> {
	try {
		return (await ask(["COMMAND", "GETKEYS", ...args], ReplyMode.buffer)) as Argument[];
	} catch (error) {
		if (error instanceof ClientError && /no key arguments/i.test(error.message)) return [];
		throw error;
	}
}

/**
 * {@link place} for the call of a script that was defined, by its hash; its text goes along with it.
 * @throws as place
 */
export function placeScript(core: Core, view: View, script: unknown, keys: unknown, args: unknown): Placed {
	const words = scriptWords(script, keys, args, true);
	// Servers are asked about commands that are not in the table; EVALSHA is.
	const placed = place(core, view, words, true) as Placed;
	return { ...placed, flags: placed.flags | CommandFlag.byHash, script: new ScriptRun(script as DefinedScript) };
}

/** Checks, places and sends the call of a script; see `CommandBase.sendScript`. Only rejects. */
export function sendScript(core: Core, view: View, script: unknown, keys: unknown, args: unknown): Promise<unknown> {
	try {
		const placed = placeScript(core, view, script, keys, args);
		return take(view, "the script", send(core, view, placed), takeOf(script));
	} catch (error) {
		return Promise.reject(error);
	}
}

/** Checks, places and sends a command given in words; see `CommandBase.send` and {@link place}. Only rejects. */
export function sendWords<R>(
	core: Core,
	view: View,
	words: Words | (() => Words),
	typed: boolean,
	taker?: (reply: never) => R,
): Promise<R> {
	try {
		const started = performance.now();
		const given = typeof words === "function" ? words() : words;
		const placed = place(core, view, given, typed, typed);
		const reply =
			placed instanceof Promise ? placed.then((later) => send(core, remaining(view, started), later)) : send(core, view, placed);
		return take(view, given[0] as string, reply, taker);
	} catch (error) {
		return Promise.reject(error);
	}
}

/** Has a reply taken, see {@link taken}. */
function take<R>(view: View, name: string, reply: Promise<Reply>, taker: ((reply: never) => R) | undefined): Promise<R> {
	if (taker === undefined) return reply as Promise<never>;
	return reply.then((value) => {
		// Inside a transaction on a leased connection: the reply comes with EXEC.
		if (value === "QUEUED" && view.dedicated) return value as R;
		const result = taken(name, value, taker);
		if (result instanceof ProtocolError) throw result;
		return result;
	});
}

/** Sends a placed command: to the node of its keys, or where its policy says. */
export function send(core: Core, view: View, placed: Placed): Promise<Reply> {
	const { args, info, slot, flags } = placed;
	// One that blocks and comes so far was placed to be leased a connection.
	if (info?.blocking && !view.dedicated && mayBlock(args, info)) return sendBlocking(core, view, { args, info, slot, flags });
	const blockMs = blockMsOf(view, placed);
	const timeoutMs = blockMs === Number.POSITIVE_INFINITY ? 0 : view.timeoutMs + (view.timeoutMs === 0 ? 0 : blockMs);
	const start = (node?: Endpoint): Promise<Reply> =>
		new Promise((resolve, reject) => {
			const request = new SingleRequest(args, slot, flags, view.mode, null, resolve as (value: never) => void, reject);
			request.blockMs = blockMs;
			if (placed.script !== undefined) request.script = placed.script;
			const dispatch = node === undefined ? undefined : () => core.dispatcher.dispatchTo(node, request);
			core.start(request, timeoutMs, view.signal, dispatch);
		});
	const scope = fanOutScope(core, view, placed);
	const crowded = scope === null && core.crowd.full > 0 && core.closed === null;
	const refusal = crowded && !core.settings.teller.tracesCommands ? core.dispatcher.refusal(slot, flags) : null;
	if (refusal !== null) return refusal;
	if (scope === null || info === null) return start();
	if (core.closed !== null) return Promise.reject(core.closed);
	const nodes = core.dispatcher.endpoints(scope);
	const replies = nodes.map(start);
	return Promise.all(replies.map((reply) => reply.catch((error: ClientError) => error))).then((all) =>
		combine(info.responsePolicy, all),
	);
}

/** How long a command on a leased connection may block; Infinity: for ever. */
export function blockMsOf(view: View, { args, info }: Placed): number {
	const blockMs = view.dedicated && info !== null ? info.blockTimeoutMs(args) : null;
	return blockMs === 0 ? Number.POSITIVE_INFINITY : (blockMs ?? 0);
}

/**
 * The nodes a command without keys goes to on a cluster; null: one is enough.
 * @throws UNSUPPORTED for a command whose cursor belongs to one node
 */
export function fanOutScope(core: Core, view: View, { info, slot }: Placed): "primaries" | "all" | null {
	return slot === -1 && core.settings.mode === "cluster" && !view.dedicated && info !== null ? scopeOf(info) : null;
}

/** The rest of a view's time, for a call that had to ask a server first. */
export function remaining(view: View, started: number): View {
	if (view.timeoutMs === 0) return view;
	return { ...view, timeoutMs: Math.max(1, Math.ceil(view.timeoutMs - (performance.now() - started))) };
}
