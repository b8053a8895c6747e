/**
 * Counts by slot what one connection still owes. Counting every command would cost all of them, so a census is made when somebody asks
 * about a slot, of everything sent so far, and is kept up to date until nothing is owed.
 */
import { ClientError } from "../errors.js";
import { type Command, CommandFlag, orderOf, type SlotWatcher } from "../request.js";
import type { Reply } from "../resp/reply.js";

export class Census {
	readonly #owed = new Map<number, number>();
	readonly #watchers = new Map<number, SlotWatcher[]>();

	get isEmpty(): boolean {
		return this.#owed.size === 0;
	}

	/** The slots of which something is owed. */
	slots(): number[] {
		return [...this.#owed.keys()];
	}

	add(command: Command): void {
		const slot = orderOf(command);
		this.#owed.set(slot, (this.#owed.get(slot) ?? 0) + 1);
	}

	answered(command: Command, reply: Reply): void {
		if (!(reply instanceof ClientError)) this.#wrote(command);
		this.remove(command);
	}

	/** The connection ended before its reply. */
	lost(command: Command, written: boolean): void {
		// It may have been executed: what was refused before it must not be run behind it.
		if (written) this.#wrote(command);
		this.remove(command);
	}

	/** It was not written after all. */
	remove(command: Command): void {
		const slot = orderOf(command);
		const left = (this.#owed.get(slot) as number) - 1;
		if (left > 0) this.#owed.set(slot, left);
		else {
			this.#owed.delete(slot);
			this.#clear(slot);
		}
	}

	watch(slot: number, watcher: SlotWatcher): boolean {
		if (!this.#owed.has(slot)) return false;
		const watchers = this.#watchers.get(slot);
		if (watchers === undefined) this.#watchers.set(slot, [watcher]);
		else watchers.push(watcher);
		return true;
	}

	#wrote(command: Command): void {
		if (this.#watchers.size === 0 || (command.flags & (CommandFlag.readOnly | CommandFlag.queued)) !== 0) return;
		for (const watcher of this.#watchers.get(orderOf(command)) ?? []) watcher.wrote();
	}

	#clear(slot: number): void {
		const watchers = this.#watchers.get(slot);
		this.#watchers.delete(slot);
		for (const watcher of watchers ?? []) watcher.cleared();
	}
}
