/**
 * Keeps commands of one slot in their order when some of them have to be sent again.
 *
 *     a command came back ──► fenced: later commands of its slot wait here
 *                               │ everything of the slot that its connection still owed has come back
 *              ┌────────────────┴──────────┐
 *              ▼ the server is not ready   ▼ the slot is elsewhere
 *     a pause, then the first alone ──► the refused ones in order, then those that waited ──► open
 *        ▲ refused again │
 *        └───────────────┘
 *
 * A write that was executed behind a refused one has overtaken it: the refused one is rejected then, never run late.
 */
import Denque from "denque";
import type { Budget } from "./budget.js";
import { type ClientError, ReplyError } from "./errors.js";
import type { RetrySettings } from "./options.js";
import { type Attempt, CommandFlag, isAwaited, type Link, orderOf, type Request } from "./request.js";
import { backoffMs } from "./util/backoff.js";

/** Why a command is held back. */
export interface Hold {
	readonly error: ClientError;
	/** Who answered it; null: it did not get so far. */
	readonly link: Link | null;
	/** Of the node that holds it up. */
	readonly budget: Budget;
	/** It is sent again after a pause; false: as soon as its order allows. */
	readonly pause: boolean;
	/** How often it may be sent again; the error is its answer from then on. */
	readonly maxAttempts: number;
}

export class Fences {
	readonly #retry: RetrySettings;
	readonly #route: (attempt: Attempt) => void;
	readonly #bySlot = new Map<number, Fence>();

	/** @param route sends a command to where its slot is served now */
	constructor(retry: RetrySettings, route: (attempt: Attempt) => void) {
		this.#retry = retry;
		this.#route = route;
	}

	/** How many slots are fenced. */
	get size(): number {
		return this.#bySlot.size;
	}

	/** Whether a caller waits for what is held. */
	get isAwaited(): boolean {
		for (const fence of this.#bySlot.values()) if (fence.isAwaited) return true;
		return false;
	}

	/** What keeps a slot's new commands; null: nothing. */
	budgetOf(slot: number): Budget | null {
		return this.#bySlot.get(slot)?.budget ?? null;
	}

	/** Keeps those commands of a new request whose slot is fenced; returns the indexes of the others, null when that is all. */
	screen(request: Request): number[] | null {
		const free: number[] = [];
		for (let i = 0; i < request.units; i++) {
			const fence = this.#bySlot.get(orderOf(request.command(i)));
			if (fence === undefined) free.push(i);
			else fence.wait(request.attempt(i));
		}
		return free.length === request.units ? null : free;
	}

	/** A command has to be sent again, and its slot is fenced until it was. False: it was sent often enough, or nobody waits for it. */
	hold(attempt: Attempt, hold: Hold): boolean {
		if (attempt.abandoned) return false;
		if (attempt.count >= hold.maxAttempts) {
			attempt.settle(hold.error);
			return false;
		}
		this.#fence(orderOf(attempt.subject), hold.budget).refuse(attempt, hold);
		return true;
	}

	/** Nothing was refused, but a connection owes commands of a slot that new ones would overtake by another way. */
	guard(slot: number, link: Link, budget: Budget): void {
		this.#fence(slot, budget).await(link);
	}

	/** {@link guard} for every slot of which `link` owes something. */
	guardAll(link: Link, budget: Budget): void {
		for (const slot of link.owedSlots()) this.guard(slot, link, budget);
	}

	/** Sends a new command of a slot that is not fenced: those that are issued from now on wait until it came back. */
	lead(attempt: Attempt, budget: Budget): void {
		this.#fence(orderOf(attempt.subject), budget).lead(attempt);
	}

	/** A command that nobody refused is sent again, behind those of its slot that came back before it. */
	resend(attempt: Attempt): void {
		const fence = this.#bySlot.get(orderOf(attempt.subject));
		if (fence === undefined) this.#route(attempt);
		else fence.comeBack(attempt);
	}

	/** Whether a command has to stay behind others of its slot that came back before it. */
	holds(attempt: Attempt): boolean {
		const fence = this.#bySlot.get(orderOf(attempt.subject));
		return fence !== undefined && !fence.isFirst(attempt);
	}

	/** Ends every wait; what was held is settled with the error. */
	clear(error: ClientError): void {
		const fences = [...this.#bySlot.values()];
		this.#bySlot.clear();
		for (const fence of fences) fence.end(error);
	}

	#fence(slot: number, budget: Budget): Fence {
		let fence = this.#bySlot.get(slot);
		if (fence === undefined) {
			fence = new Fence(slot, this.#retry, budget, this.#route, (left) => this.#open(slot, left));
			this.#bySlot.set(slot, fence);
		}
		return fence;
	}

	/** Sends what a fence held. One of these may be refused on the spot: then the others are behind it again. */
	#open(slot: number, left: readonly Attempt[]): void {
		this.#bySlot.delete(slot);
		for (const attempt of left) this.resend(attempt);
	}
}

class Fence {
	readonly budget: Budget;
	readonly #slot: number;
	readonly #retry: RetrySettings;
	readonly #send: (attempt: Attempt) => void;
	readonly #open: (left: readonly Attempt[]) => void;
	/** Came back, in order. */
	readonly #refused = new Denque<Attempt>();
	/** Were issued since. */
	readonly #waiting = new Denque<Attempt>();
	/** Connections that owe commands of the slot. */
	readonly #links = new Set<Link>();
	#pause = false;
	#timer: NodeJS.Timeout | null = null;
	/** Sent alone, to find out whether the server is ready by now; or ahead of all others, see {@link lead}. */
	#first: Attempt | null = null;
	/** The first was not refused before: the slot was open when it was sent, and older commands of it may be in flight. */
	#leads = false;

	constructor(
		slot: number,
		retry: RetrySettings,
		budget: Budget,
		send: (attempt: Attempt) => void,
		open: (left: readonly Attempt[]) => void,
	) {
		this.#slot = slot;
		this.#retry = retry;
		this.budget = budget;
		this.#send = send;
		this.#open = open;
	}

	isFirst(attempt: Attempt): boolean {
		return attempt === this.#first;
	}

	get isAwaited(): boolean {
		return [this.#refused, this.#waiting].some((queue) => queue.toArray().some(isAwaited));
	}

	wait(attempt: Attempt): void {
		this.budget.add(attempt.subject);
		this.#waiting.push(attempt);
		this.#dropAbandoned();
		// The pause was for callers who gave up meanwhile; this one has not been refused yet.
		if (this.#timer !== null && this.#refused.isEmpty()) this.#endPause();
	}

	#endPause(): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#timer = null;
		this.#pause = false;
		this.#proceed();
	}

	lead(attempt: Attempt): void {
		this.#leads = true;
		this.#sendFirst(attempt);
	}

	refuse(attempt: Attempt, { link, pause }: Hold): void {
		this.#pause ||= pause;
		this.#keep(attempt);
		if (link !== null) this.await(link);
		else this.#proceed();
	}

	comeBack(attempt: Attempt): void {
		this.#keep(attempt);
		this.#proceed();
	}

	/** Waits for what `link` owes of the slot. */
	await(link: Link): void {
		if (!this.#links.has(link)) {
			// Entered first: an overtaking write may be told of, and the end of it all, before `watch` returns.
			this.#links.add(link);
			// When it owes the one that was sent alone, that is all it owes of the slot, and those that wait here are behind that one.
			const alone = this.#first !== null && this.#first.link === link && !this.#leads;
			const wrote = (): void => {
				if (!alone) this.#overtaken();
			};
			const cleared = (): void => {
				this.#links.delete(link);
				this.#proceed();
			};
			if (!link.watch(this.#slot, { wrote, cleared })) this.#links.delete(link);
		}
		this.#proceed();
	}

	end(error: ClientError): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#timer = null;
		for (const attempt of this.#takeAll()) attempt.settle(error);
	}

	#keep(attempt: Attempt): void {
		this.budget.add(attempt.subject);
		if (attempt === this.#first) {
			this.#first = null;
			attempt.onBack = null;
			// What was sent before one that leads came back before it.
			if (this.#leads) this.#refused.push(attempt);
			else this.#refused.unshift(attempt);
		} else this.#refused.push(attempt);
	}

	#proceed(): void {
		if (this.#links.size > 0 || this.#timer !== null || this.#first !== null) return;
		this.#dropAbandoned();
		const next = this.#refused.peekFront();
		if (next !== undefined && this.#pause) {
			const { baseMs, maxMs } = this.#retry;
			this.#timer = setTimeout(
				() => {
					this.#timer = null;
					this.#tryFirst();
				},
				backoffMs(next.count, baseMs, maxMs),
			);
		} else this.#open(this.#takeAll());
	}

	#tryFirst(): void {
		this.#pause = false;
		this.#dropAbandoned();
		const first = this.#take(this.#refused);
		if (first === undefined) {
			this.#proceed();
			return;
		}
		first.count += 1;
		this.#leads = false;
		this.#sendFirst(first);
	}

	#sendFirst(first: Attempt): void {
		this.#first = first;
		first.onBack = () => {
			this.#first = null;
			this.#proceed();
		};
		this.#send(first);
		// Settled on the way: no connection brings it back.
		if (this.#first === first && first.abandoned) {
			first.onBack = null;
			this.#first = null;
			this.#proceed();
		}
	}

	/** A later write of the slot was executed. */
	#overtaken(): void {
		for (let left = this.#refused.length; left > 0; left--) {
			const attempt = this.#refused.shift() as Attempt;
			const read = (attempt.subject.flags & CommandFlag.readOnly) !== 0;
			// What was never written came back from behind the write, not from before it.
			if (read || !(attempt.error instanceof ReplyError)) this.#refused.push(attempt);
			else {
				this.budget.remove(attempt.subject);
				attempt.settle(attempt.error);
			}
		}
	}

	#dropAbandoned(): void {
		for (const queue of [this.#refused, this.#waiting]) while (queue.peekFront()?.abandoned) this.#take(queue);
	}

	#take(queue: Denque<Attempt>): Attempt | undefined {
		const attempt = queue.shift();
		if (attempt !== undefined) this.budget.remove(attempt.subject);
		return attempt;
	}

	#takeAll(): Attempt[] {
		const all: Attempt[] = [];
		for (const queue of [this.#refused, this.#waiting]) {
			for (let attempt = this.#take(queue); attempt !== undefined; attempt = this.#take(queue)) {
				if (!attempt.abandoned) all.push(attempt);
			}
		}
		return all;
	}
}
