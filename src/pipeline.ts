/** Commands gathered by calls and sent together: grouped by node, one write for each, replies in call order. */
import type { BatchCommand } from "./batch/plan.js";
import { blockMsOf, fanOutScope, type Placed, place, placeScript, remaining } from "./commands/any-command.js";
import type { Value } from "./commands/arguments.js";
import { type BatchOptions, commandWork, refuseUnknown, resolveBatchOptions, singleCommand } from "./commands/batches.js";
import { Commands } from "./commands/commands.js";
import { taken } from "./commands/replies.js";
import type { Result, Results, Surface, Words } from "./commands/surface.js";
import { takeOf } from "./commands/words.js";
import type { Core, View } from "./core.js";
import { ClientError, InvalidOptionError } from "./errors.js";
import type { Argument } from "./resp/encode.js";
import { type Reply, ReplyMode } from "./resp/reply.js";
import { startBatch } from "./start-batch.js";

/** In a pipeline every call gives the pipeline, which knows one type more. */
interface Piped<Text extends string | Buffer, T extends readonly unknown[]> extends Surface {
	readonly result: Pipeline<Text, [...T, this["reply"]]>;
}

interface Item {
	readonly command: BatchCommand | Promise<BatchCommand>;
	readonly name: string;
	readonly take: ((reply: never) => unknown) | undefined;
}

/** `T` are the types of the replies, in call order. */
export class Pipeline<Text extends string | Buffer = string, T extends readonly unknown[] = []> extends Commands<
	Text,
	Piped<Text, T>
> {
	readonly #core: Core;
	readonly #view: View;
	readonly #items: Item[] = [];
	#executed = false;

	/** @internal */
	constructor(core: Core, view: View) {
		super();
		this.#core = core;
		this.#view = view;
	}

	/** Commands gathered so far. */
	get length(): number {
		return this.#items.length;
	}

	/**
	 * Any command that goes to one node: by its keys, or to one primary. Those that a cluster has to be asked as a whole (DBSIZE, FLUSHALL …)
	 * are refused there: `client.command()` asks every node.
	 * @throws INVALID_ARGUMENT, CROSSSLOT, UNSUPPORTED
	 */
	command(name: string, ...args: Value[]): Pipeline<Text, [...T, Reply<Text>]> {
		return this.#add([name, ...args], false);
	}

	/** @throws INVALID_ARGUMENT and its kin, at once; so do all methods but `exec` */
	protected override send<R>(
		words: Words | (() => Words),
		take?: (reply: never) => R,
		bytes?: boolean,
	): Result<Piped<Text, T>, R> {
		return this.#add(typeof words === "function" ? words() : words, true, take, bytes ? ReplyMode.buffer : this.#view.mode);
	}

	protected override sendScript(script: unknown, keys: unknown, args: unknown): Result<Piped<Text, T>, unknown> {
		return this.#queue("the script", placeScript(this.#core, this.#view, script, keys, args), takeOf(script));
	}

	#add<R>(given: Words, typed: boolean, take?: (reply: never) => R, mode = this.#view.mode): Result<Piped<Text, T>, R> {
		return this.#queue(given[0] as string, place(this.#core, this.#view, given, typed), take, mode);
	}

	#queue<R>(
		name: string,
		placed: Placed | Promise<Placed>,
		take?: (reply: never) => R,
		mode = this.#view.mode,
	): Result<Piped<Text, T>, R> {
		if (this.#executed) throw new ClientError("INVALID_ARGUMENT", "the pipeline was executed already");
		const item = this.#items.length;
		const command =
			placed instanceof Promise
				? placed.then((known) => this.#toCommand(known, item, mode))
				: this.#toCommand(placed, item, mode);
		// A refusal is reported by exec(); until then nobody else listens.
		if (command instanceof Promise) command.catch(() => {});
		this.#items.push({ command, name, take });
		return this as never;
	}

	/**
	 * Sends what was gathered. Commands of one slot are executed in call order, others in any; nothing makes them atomic.
	 * @returns a reply or an error for each command, in call order
	 * @throws CLOSED, INVALID_OPTION, or what refused a command, before anything was queued
	 */
	async exec(options?: BatchOptions): Promise<Results<Text, T>> {
		const { batch, rest } = resolveBatchOptions(options);
		refuseUnknown(rest);
		if (batch.partial) throw new InvalidOptionError("partial", "is not an option of exec(): its results hold errors anyway");
		if (this.#executed) throw new ClientError("INVALID_ARGUMENT", "the pipeline was executed already");
		this.#executed = true;
		const items = this.#items;
		const started = performance.now();
		const pending = items.some(({ command }) => command instanceof Promise);
		// Awaited only where a server had to be asked about a command: otherwise it keeps its place among the calls of its tick.
		const commands = (
			pending ? await Promise.all(items.map(({ command }) => command)) : items.map(({ command }) => command)
		) as BatchCommand[];
		return new Promise((resolve) => {
			const command = (item: number): BatchCommand => commands[item] as BatchCommand;
			const work = commandWork<unknown>(
				this.#core,
				commands.length,
				command,
				(item) => command(item).slot,
				batch,
				({ items: [at] }, reply, results) => {
					const { name, take } = items[at as number] as Item;
					// Inside a transaction on a leased connection: the reply comes with EXEC.
					const queued = reply === "QUEUED" && this.#view.dedicated;
					results[at as number] = take === undefined || queued ? reply : taken(name, reply, take);
				},
			);
			const blockMs = commands.reduce((sum, { blockMs }) => sum + blockMs, 0);
			const view = { ...this.#view, timeoutMs: batch.timeoutMs ?? this.#view.timeoutMs };
			const { timeoutMs } = pending ? remaining(view, started) : view;
			startBatch(this.#core, view, work, { ...batch, timeoutMs }, (results) => resolve(results as Results<Text, T>), blockMs);
		});
	}

	#toCommand(placed: Placed, item: number, mode: ReplyMode): BatchCommand {
		if (fanOutScope(this.#core, this.#view, placed) !== null) {
			throw new ClientError("UNSUPPORTED", `${placed.info?.name} goes to several nodes of a cluster; use client.command()`);
		}
		const blockMs = blockMsOf(this.#view, placed);
		const command = singleCommand(placed.args as Argument[], placed.slot, placed.flags, mode, item, blockMs);
		return placed.script === undefined ? command : { ...command, script: placed.script };
	}
}
