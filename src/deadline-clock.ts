/**
 * One clock for all deadlines of a client: no timer per command.
 *
 *     add ──► end of the tick: stamped with now + timeoutMs ──► every 50 ms: heads due? ──► one poll phase later: still there? expire
 *
 * Items with the same timeout fall due in the order they were added, so each distinct timeout has one FIFO list and a tick
 * looks at the heads alone. Stamping at the end of the tick costs one clock reading per tick, and can only make a deadline later,
 * never earlier. Expiry waits one poll phase because replies may already lie in the kernel when the event loop was blocked.
 */

const TICK_MS = 50;
const UNSTAMPED = 0;

/** Something with a deadline. The links of the clock's lists live in the item: adding one allocates nothing. */
export abstract class Timed {
	/** @internal */ previous: Timed | null = null;
	/** @internal */ next: Timed | null = null;
	/** On the scale of `performance.now()`; 0 until the end of the tick it was added in, or when there is none. */
	deadline = UNSTAMPED;

	/** The deadline passed. The item is off the clock already. */
	abstract expire(): void;

	/** Takes the item off its clock; does nothing when it is on none. */
	unlink(): void {
		const { previous, next } = this;
		if (previous === null || next === null) return;
		previous.next = next;
		next.previous = previous;
		this.previous = this.next = null;
	}
}

/** A deadline of anything else. Few classes extend `Timed`: with more than four, constructing a request leaves the fast path of V8. */
export class Alarm extends Timed {
	override readonly expire: () => void;

	constructor(expire: () => void) {
		super();
		this.expire = expire;
	}
}

class TimedList extends Timed {
	readonly timeoutMs: number;

	constructor(timeoutMs: number) {
		super();
		this.timeoutMs = timeoutMs;
		this.previous = this.next = this;
	}

	override expire(): void {}

	isEmpty(): boolean {
		return this.next === this;
	}
}

export class DeadlineClock {
	#lists = new Map<number, TimedList>();
	/** The list used last: nearly every command has the default timeout. */
	#recent = new TimedList(0);
	#timer: NodeJS.Timeout | null = null;
	#stampScheduled = false;

	/** Starts the deadline of `item`, `timeoutMs` from now; it may have had one before. 0: none. */
	add(item: Timed, timeoutMs: number): void {
		if (timeoutMs <= 0) return;
		item.deadline = UNSTAMPED;
		const list = this.#recent.timeoutMs === timeoutMs ? this.#recent : this.#list(timeoutMs);
		const last = list.previous as Timed;
		item.previous = last;
		item.next = list;
		last.next = item;
		list.previous = item;
		if (!this.#stampScheduled) {
			this.#stampScheduled = true;
			process.nextTick(this.#stamp);
		}
	}

	/** Drops every item without expiring it. */
	stop(): void {
		if (this.#timer !== null) clearInterval(this.#timer);
		this.#timer = null;
		this.#lists.clear();
		this.#recent = new TimedList(0);
	}

	#list(timeoutMs: number): TimedList {
		let list = this.#lists.get(timeoutMs);
		if (list === undefined) {
			list = new TimedList(timeoutMs);
			this.#lists.set(timeoutMs, list);
		}
		this.#recent = list;
		return list;
	}

	#stamp = (): void => {
		this.#stampScheduled = false;
		const now = performance.now();
		let pending = false;
		for (const list of this.#lists.values()) {
			if (!list.isEmpty()) pending = true;
			// Whole milliseconds: a fraction would be an object of its own.
			const deadline = Math.ceil(now) + list.timeoutMs;
			for (let item = list.previous as Timed; item !== list && item.deadline === UNSTAMPED; item = item.previous as Timed) {
				item.deadline = deadline;
			}
		}
		if (pending) this.#timer ??= setInterval(this.#tick, TICK_MS);
	};

	#tick = (): void => {
		const now = performance.now();
		let due = false;
		for (const [timeoutMs, list] of this.#lists) {
			if (list.isEmpty()) {
				if (list !== this.#recent) this.#lists.delete(timeoutMs);
			} else if (isDue(list.next as Timed, now)) due = true;
		}
		if (due) setImmediate(this.#expireDue, now);
		else if (this.#recent.isEmpty() && this.#lists.size <= 1) {
			clearInterval(this.#timer as NodeJS.Timeout);
			this.#timer = null;
		}
	};

	#expireDue = (now: number): void => {
		for (const list of this.#lists.values()) {
			for (let item = list.next as Timed; item !== list && isDue(item, now); item = list.next as Timed) {
				item.unlink();
				item.expire();
			}
		}
	};
}

function isDue(item: Timed, now: number): boolean {
	return item.deadline !== UNSTAMPED && item.deadline <= now;
}
