/** Commands gathered by calls and sent together: grouped by node, one write for each, replies in call order. */
import type { BatchCommand } from "./batch/plan.js";
import { blockMsOf, fanOutScope, type Placed, place } from "./commands/any-command.js";
import { expireArguments, type Key, keyArguments, setArguments, type Value } from "./commands/arguments.js";
import { type BatchOptions, commandWork, refuseUnknown, resolveBatchOptions, singleCommand } from "./commands/batches.js";
import type { SetOptions } from "./commands/set-options.js";
import type { Core, View } from "./core.js";
import { ClientError, InvalidOptionError } from "./errors.js";
import { CommandFlag } from "./request.js";
import type { Argument } from "./resp/encode.js";
import type { Reply } from "./resp/reply.js";
import { keySlot } from "./slot.js";
import { startBatch } from "./start-batch.js";

export class Pipeline<Text extends string | Buffer = string> {
	readonly #core: Core;
	readonly #view: View;
	readonly #commands: (BatchCommand | Promise<BatchCommand>)[] = [];
	#executed = false;

	/** @internal */
	constructor(core: Core, view: View) {
		this.#core = core;
		this.#view = view;
	}

	/** Commands gathered so far. */
	get length(): number {
		return this.#commands.length;
	}

	/** @throws INVALID_ARGUMENT, at once; so do all methods but `exec` */
	get(key: Key): this {
		return this.#keyed(keyArguments("GET", key, this.#view.limits), CommandFlag.readOnly);
	}

	set(key: Key, value: Value, options?: SetOptions): this {
		return this.#keyed(setArguments(key, value, options, this.#view.limits), 0);
	}

	expire(key: Key, seconds: number): this {
		return this.#keyed(expireArguments(key, seconds, this.#view.limits), 0);
	}

	ttl(key: Key): this {
		return this.#keyed(keyArguments("TTL", key, this.#view.limits), CommandFlag.readOnly);
	}

	incr(key: Key): this {
		return this.#keyed(keyArguments("INCR", key, this.#view.limits), 0);
	}

	/**
	 * Any command that goes to one node: by its keys, or to one primary. Those that a cluster has to be asked as a whole (DBSIZE, FLUSHALL …)
	 * are refused there: `client.command()` asks every node.
	 * @throws INVALID_ARGUMENT, CROSSSLOT, UNSUPPORTED
	 */
	command(name: string, ...args: Value[]): this {
		const placed = place(this.#core, this.#view, [name, ...args]);
		if (!(placed instanceof Promise)) return this.#add(this.#toCommand(placed));
		const item = this.#commands.length;
		const later = placed.then((known) => this.#toCommand(known, item));
		// A refusal is reported by exec(); until then nobody else listens.
		later.catch(() => {});
		return this.#add(later);
	}

	/**
	 * Sends what was gathered. Commands of one slot are executed in call order, others in any; nothing makes them atomic.
	 * @returns a reply or an error for each command, in call order
	 * @throws CLOSED, INVALID_OPTION, or what refused a command, before anything was queued
	 */
	async exec(options?: BatchOptions): Promise<(Reply<Text> | ClientError)[]> {
		const { batch, rest } = resolveBatchOptions(options);
		refuseUnknown(rest);
		if (batch.partial) throw new InvalidOptionError("partial", "is not an option of exec(): its results hold errors anyway");
		if (this.#executed) throw new ClientError("INVALID_ARGUMENT", "the pipeline was executed already");
		this.#executed = true;
		const pending = this.#commands.some((command) => command instanceof Promise);
		const commands = (pending ? await Promise.all(this.#commands) : this.#commands) as BatchCommand[];
		return new Promise((resolve) => {
			const command = (item: number): BatchCommand => commands[item] as BatchCommand;
			const work = commandWork<Reply<Text>>(
				this.#core,
				commands.length,
				command,
				(item) => command(item).slot,
				batch,
				({ items }, reply, results) => {
					results[items[0] as number] = reply as Reply<Text>;
				},
			);
			const blockMs = commands.reduce((sum, { blockMs }) => sum + blockMs, 0);
			startBatch(this.#core, this.#view, work, batch, resolve, blockMs);
		});
	}

	#keyed(args: Argument[], flags: number): this {
		const slot = this.#core.dispatcher.keyGroups === 1 ? -1 : keySlot(args[1] as Argument);
		return this.#add(singleCommand(args, slot, flags | CommandFlag.keyed, this.#view.mode, this.#commands.length));
	}

	#toCommand(placed: Placed, item = this.#commands.length): BatchCommand {
		if (fanOutScope(this.#core, this.#view, placed) !== null) {
			throw new ClientError("UNSUPPORTED", `${placed.info?.name} goes to several nodes of a cluster; use client.command()`);
		}
		const blockMs = blockMsOf(this.#view, placed);
		return singleCommand(placed.args as Argument[], placed.slot, placed.flags, this.#view.mode, item, blockMs);
	}

	#add(command: BatchCommand | Promise<BatchCommand>): this {
		if (this.#executed) throw new ClientError("INVALID_ARGUMENT", "the pipeline was executed already");
		this.#commands.push(command);
		return this;
	}
}
