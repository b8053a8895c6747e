/**
 * What one connection was given and has not brought back: entries that wait to be written, then those whose replies are due. Replies come in
 * the order of the commands, so the next one always answers the command at `head` and `cursor`.
 *
 *     accept ──► waiting ──► writeNext ──► in flight ──► advance: answered
 *                   └──────────────┬──────────────┘
 *                                  ▼
 *                        giveBack: not answered here
 */
import Denque from "denque";
import type { Budget } from "../budget.js";
import type { ClientError } from "../errors.js";
import { type Command, commandsOf, type Entry, handBack, isAwaited, type SlotWatcher } from "../request.js";
import type { Reply } from "../resp/reply.js";
import { Census } from "./census.js";

export class Ledger {
	/** The oldest entry in flight, and which of its commands the next reply answers. */
	head: Entry | undefined = undefined;
	cursor = 0;
	bytesInFlight = 0;
	/** Those in flight behind the head, then those that wait. An entry that is written stays where it is. */
	readonly #queue = new Denque<Entry>();
	/** How many of them are in flight. */
	#behind = 0;
	readonly #budget: Budget;
	/** What is owed by slot, while somebody wants to know. */
	#census: Census | null = null;

	constructor(budget: Budget) {
		this.#budget = budget;
	}

	/** The entry to be written next. */
	get next(): Entry | undefined {
		return this.#queue.peekAt(this.#behind);
	}

	get isEmpty(): boolean {
		return this.head === undefined && this.#queue.length === 0;
	}

	/** Commands, those included that their callers gave up. */
	get size(): number {
		let size = -this.cursor;
		for (const entry of this.#entries()) size += entry.size;
		return size;
	}

	/** Whether somebody waits for any of it: callers may have given up, and the client's own questions can wait for ever. */
	get isAwaited(): boolean {
		for (const entry of this.#entries()) if (isAwaited(entry)) return true;
		return false;
	}

	*#entries(): Generator<Entry> {
		if (this.head !== undefined) yield this.head;
		for (let at = 0; at < this.#queue.length; at++) yield this.#queue.peekAt(at) as Entry;
	}

	accept(entry: Entry): void {
		const census = this.#census;
		const { size } = entry;
		if (!entry.internal) for (let i = 0; i < size; i++) this.#budget.add(entry.command(i));
		if (census !== null) for (let i = 0; i < size; i++) census.add(entry.command(i));
		this.#queue.push(entry);
	}

	/** Takes the entry to be written next out of those that wait. */
	take(): Entry {
		return (this.#behind === 0 ? this.#queue.shift() : this.#queue.removeOne(this.#behind)) as Entry;
	}

	/** The entry to be written next is in flight from now on. True: nothing else was. */
	writeNext(): boolean {
		if (this.head === undefined) {
			this.#lead(this.#queue.shift() as Entry);
			return true;
		}
		this.#behind += 1;
		return false;
	}

	/** The same for an entry that does not wait here, or no more. */
	write(entry: Entry): boolean {
		if (this.head === undefined) {
			this.#lead(entry);
			return true;
		}
		this.#queue.splice(this.#behind, 0, entry);
		this.#behind += 1;
		return false;
	}

	#lead(entry: Entry): void {
		this.head = entry;
		this.cursor = 0;
	}

	/** The command of `head` at the cursor is answered. True: it was the entry's last. */
	advance(head: Entry, command: Command): boolean {
		this.bytesInFlight -= command.bytes;
		if (!head.internal) this.#budget.remove(command);
		if (this.cursor + 1 < head.size) {
			this.cursor += 1;
			return false;
		}
		this.cursor = 0;
		if (this.#behind === 0) this.head = undefined;
		else {
			this.#behind -= 1;
			this.head = this.#queue.shift();
		}
		return true;
	}

	/** Gives back what was not written. */
	giveBackWaiting(cause: ClientError): void {
		// Counted first: some may be accepted again at once.
		for (let left = this.#queue.length - this.#behind; left > 0; left--) this.giveBack(this.take(), 0, cause, false);
	}

	/** Gives back everything, in order. */
	giveBackAll(cause: ClientError): void {
		const { head, cursor } = this;
		this.head = undefined;
		this.cursor = 0;
		if (head !== undefined) this.giveBack(head, cursor, cause, true);
		while (this.#behind > 0) {
			this.#behind -= 1;
			this.giveBack(this.#queue.shift() as Entry, 0, cause, true);
		}
		this.giveBackWaiting(cause);
	}

	/** The commands of an entry from the one at `from` on come back without a reply. */
	giveBack(entry: Entry, from: number, cause: ClientError, written: boolean): void {
		// A census made meanwhile does not count them.
		const census = this.#census;
		const commands = commandsOf(entry, from);
		handBack(entry, from, cause, written);
		for (const command of commands) {
			if (!entry.internal) this.#budget.remove(command);
			census?.lost(command, written);
		}
	}

	/** A command that waited is not written, and its caller was told. */
	drop(entry: Entry, command: Command): void {
		if (!entry.internal) this.#budget.remove(command);
		this.#census?.remove(command);
	}

	// ── by slot ──

	/** The census there is, if there is one; what was answered since belongs to `countOff`. */
	get census(): Census | null {
		return this.#census;
	}

	countOff(census: Census, command: Command, reply: Reply): void {
		census.answered(command, reply);
		if (census.isEmpty) this.#census = null;
	}

	watch(slot: number, watcher: SlotWatcher): boolean {
		return this.#count()?.watch(slot, watcher) ?? false;
	}

	/** The slots of which something is owed. */
	slots(): number[] {
		return this.#count()?.slots() ?? [];
	}

	#count(): Census | null {
		if (this.#census !== null || this.isEmpty) return this.#census;
		const census = new Census();
		for (const entry of this.#entries()) {
			for (let i = entry === this.head ? this.cursor : 0; i < entry.size; i++) census.add(entry.command(i));
		}
		this.#census = census;
		return census;
	}
}
