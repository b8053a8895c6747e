/** `command()`: what is needed to send any command the server knows. */
import { type CommandInfo, commandSlot, sharedRefusal, slotOfKeys } from "../command-table.js";
import type { Core, View } from "../core.js";
import { ClientError, ReplyError } from "../errors.js";
import { combine, scopeOf } from "../fan-out.js";
import { borrowFlag, CommandFlag, SingleRequest } from "../request.js";
import { type Argument, checkArguments } from "../resp/encode.js";
import { type Reply, ReplyMode } from "../resp/reply.js";
import { keySlot } from "../slot.js";

/** A command that was checked and placed. */
export interface Placed {
	readonly args: readonly Argument[];
	readonly info: CommandInfo;
	readonly slot: number;
	readonly flags: number;
}

/**
 * Checks and places a command; a promise when a server has to be asked how its keys are found.
 * @throws INVALID_ARGUMENT, CROSSSLOT, UNSUPPORTED (it may not go on a shared connection)
 */
export function place(core: Core, input: readonly unknown[], dedicated: boolean): Placed | Promise<Placed> {
	const args = checkArguments(input, { maxBulkBytes: core.settings.socket.maxBulkBytes });
	const info = core.table.lookup(args);
	if (info === undefined) return learn(core, args).then((learned) => placeKnown(core, args, learned, dedicated));
	return placeKnown(core, args, info, dedicated);
}

function placeKnown(core: Core, args: readonly Argument[], info: CommandInfo, dedicated: boolean): Placed | Promise<Placed> {
	const refusal = dedicated ? null : sharedRefusal(args, info);
	if (refusal !== null) throw new ClientError("UNSUPPORTED", refusal);
	const flags = (info.readOnly ? CommandFlag.readOnly : 0) | (info.script ? CommandFlag.script : 0) | borrowFlag(args);
	const { keyGroups } = core.dispatcher;
	if (keyGroups === 1) return { args, info, flags, slot: -1 };
	if (!info.keysKnown) {
		return askForKeys(core, args).then((keys) => ({ args, info, flags, slot: slotOfKeys(keys, info.name) }));
	}
	if (core.settings.mode === "cluster") return { args, info, flags, slot: commandSlot(args, info) };
	const first = info.keys(args)[0];
	return { args, info, flags, slot: first === undefined ? -1 : keySlot(args[first] as Argument) };
}

/** Asks a server about a command the table does not have, and remembers the answer. */
async function learn(core: Core, args: readonly Argument[]): Promise<CommandInfo> {
	const name = core.table.unknownName(args);
	if (name !== null) {
		const reply = await ask(core, ["COMMAND", "INFO", name], ReplyMode.string).catch((error: ClientError) => {
			// A server that refuses COMMAND INFO says nothing about the command; any other failure is the caller's.
			if (error instanceof ReplyError) return [error];
			throw error;
		});
		core.table.learn(name, Array.isArray(reply) ? (reply[0] ?? null) : null);
	}
	const info = core.table.lookup(args);
	if (info === undefined) throw new ClientError("UNSUPPORTED", "the command could not be placed");
	return info;
}

async function askForKeys(core: Core, args: readonly Argument[]): Promise<Argument[]> {
	try {
		return (await ask(core, ["COMMAND", "GETKEYS", ...args], ReplyMode.buffer)) as Argument[];
	} catch (error) {
		if (error instanceof ClientError && /no key arguments/i.test(error.message)) return [];
		throw error;
	}
}

function ask(core: Core, args: Argument[], mode: ReplyMode): Promise<Reply> {
	return new Promise((resolve, reject) => {
		const request = new SingleRequest(args, -1, CommandFlag.readOnly, mode, null, resolve as (value: never) => void, reject);
		request.internal = true;
		core.start(request, core.settings.timeouts.commandMs, undefined);
	});
}

/** Sends a placed command: to the node of its keys, or where its policy says. */
export function send(core: Core, view: View, placed: Placed): Promise<Reply> {
	const { args, info, slot, flags } = placed;
	const blockMs = view.dedicated ? info.blockTimeoutMs(args) : null;
	const timeoutMs = blockMs === null ? view.timeoutMs : blockMs === 0 ? 0 : blockMs + view.timeoutMs;
	const start = (dispatch?: (request: SingleRequest) => void): Promise<Reply> =>
		new Promise((resolve, reject) => {
			const request = new SingleRequest(args, slot, flags, view.mode, null, resolve as (value: never) => void, reject);
			core.start(request, timeoutMs, view.signal, dispatch);
		});
	const scope = slot === -1 && core.settings.mode === "cluster" && !view.dedicated ? scopeOf(info) : null;
	if (scope === null) return start();
	if (core.dispatcher.closed !== null) return Promise.reject(core.dispatcher.closed);
	const nodes = core.dispatcher.endpoints(scope);
	const replies = nodes.map((node) => start((request) => core.dispatcher.dispatchTo(node, request)));
	return Promise.all(replies.map((reply) => reply.catch((error: ClientError) => error))).then((all) =>
		combine(info.responsePolicy, all),
	);
}
