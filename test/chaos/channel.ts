/** What the only publisher of a channel may expect of its only subscription. Times are milliseconds of any one clock. */
import { versioned } from "./register.js";

/** Servers pass a message on within this time, while nothing is wrong with them. */
const BUS_MS = 1000;

interface Message {
	/** When its call began and settled, counted in events: of two calls the one came after the other, or they overlapped. */
	issued: number;
	acked: number;
	issuedAt: number;
	ackedAt: number;
	/** The server says that somebody received it. */
	owed: boolean;
	refused: boolean;
	received: boolean;
	/** A gap was told that it may have fallen into. */
	missed: boolean;
	/** Published while its shard, or anything where there is none, had a fault. */
	duringFault: boolean;
	/** A fault may have kept the servers from passing it on. */
	doubtful: boolean;
}

/** What arrived: since when its call was under way, and what nothing excuses. */
export interface Receipt {
	issuedAt: number | null;
	wrong: string[];
}

/**
 * A channel whose messages are numbered.
 *
 *     issue ──► acknowledged, received by somebody: comes, once and in its place, or a gap says where it may have been lost
 *        ├────► acknowledged, received by nobody; unknown: comes once, or never
 *        └────► refused: never comes
 *
 * With `bus` servers pass messages on among themselves, from whichever the publisher is connected to. They do that best-effort, and from two
 * servers in any order: what was published shortly before a fault, or during one, may be lost, late, or come again from another server.
 * Within a shard they do so too: a primary that was succeeded and does not know it yet delivers a message, and its successor does a little
 * later. So, behind a gap, a message of the time of a fault may come late or again there as well.
 */
export class Channel {
	readonly name: string;
	readonly #bus: boolean;
	readonly #messages = new Map<number, Message>();
	/** Neither received nor missed. */
	readonly #open = new Map<number, Message>();
	#events = 0;
	#issued = 0;
	/** The received one whose call began last. */
	#last: Message | null = null;
	#told = 0;
	#marked = 0;
	/** When a gap was told that no message was marked with since, counted in events. */
	#unmarkedSince: number | null = null;

	constructor(name: string, bus: boolean) {
		this.name = name;
		this.#bus = bus;
	}

	/** A message of `bytes` that is about to be published. */
	issue(bytes: number, at: number, fault: boolean): { number: number; text: string } {
		this.#issued += 1;
		const message: Message = {
			issued: this.#event(),
			acked: Number.POSITIVE_INFINITY,
			issuedAt: at,
			ackedAt: Number.POSITIVE_INFINITY,
			owed: false,
			refused: false,
			received: false,
			missed: false,
			duringFault: fault,
			doubtful: this.#bus && fault,
		};
		this.#messages.set(this.#issued, message);
		this.#open.set(this.#issued, message);
		return { number: this.#issued, text: versioned(this.name, this.#issued, bytes) };
	}

	acknowledged(number: number, receivers: number, at: number): void {
		const message = this.#messages.get(number);
		if (message === undefined) return;
		message.acked = this.#event();
		message.ackedAt = at;
		// A server counts its own receivers only.
		message.owed = this.#bus || receivers > 0;
	}

	failed(number: number, maybeExecuted: boolean): string | null {
		const message = this.#messages.get(number);
		if (message === undefined || maybeExecuted) return null;
		message.refused = true;
		this.#open.delete(number);
		return message.received ? `${this.name}: message ${number} came, and its call was refused` : null;
	}

	/** A fault is about to begin somewhere: servers may not have passed on what was published just now. */
	faultExpected(at: number): void {
		if (!this.#bus) return;
		for (const message of this.#messages.values()) if (message.ackedAt > at - BUS_MS) message.doubtful = true;
	}

	gapTold(): void {
		this.#told += 1;
		this.#unmarkedSince ??= this.#event();
	}

	/** `gap`: messages may have been lost before this one. */
	received(text: string, gap: boolean): Receipt {
		const [name, digits, bytes] = text.split("|", 3);
		if (name !== this.name) return wrong(`${this.name}: a message of ${JSON.stringify(name?.slice(0, 60))} came`);
		const number = Number(digits);
		if (!(number >= 1 && number <= this.#issued)) return wrong(`${this.name}: message ${digits} was never published`);
		if (text !== versioned(this.name, number, Number(bytes))) return wrong(`${this.name}: message ${number} is damaged`);
		const message = this.#messages.get(number);
		if (message === undefined) return wrong(`${this.name}: message ${number} came when everything after it was there`);
		const found = [...this.#judgeMark(message, gap), ...this.#judgePlace(number, message, gap), ...this.#judgeHole(message, gap)];
		message.received = true;
		this.#open.delete(number);
		if (this.#last === null || message.issued > this.#last.issued) this.#last = message;
		return { issuedAt: message.issuedAt, wrong: found.map((what) => `${this.name}: message ${number} ${what}`) };
	}

	/** Whether this message came; to be asked after one that was published when no other was under way. */
	has(number: number): boolean {
		return this.#messages.get(number)?.received ?? false;
	}

	/** Messages that should have come by now, and in no gap. Each is named once. */
	missing(now: number): string[] {
		const found: string[] = [];
		for (const [number, { owed, doubtful, ackedAt }] of this.#open) {
			if (ackedAt > now - BUS_MS) continue;
			if (owed && !doubtful) found.push(`${this.name}: message ${number} was acknowledged, and neither it nor a gap came`);
			this.#open.delete(number);
		}
		return found;
	}

	/** What was published before `before` is not known any more. */
	forget(before: number): void {
		for (const [number, { issuedAt }] of this.#messages) {
			if (issuedAt >= before) return;
			this.#messages.delete(number);
			this.#open.delete(number);
		}
	}

	/** Every mark was told, and what is told is marked on the next message. */
	#judgeMark({ issued }: Message, gap: boolean): string[] {
		if (gap) {
			this.#marked += 1;
			this.#unmarkedSince = null;
			return this.#marked > this.#told ? ["says that there was a gap, of which nobody was told"] : [];
		}
		if (this.#unmarkedSince === null || issued < this.#unmarkedSince) return [];
		this.#unmarkedSince = null;
		return ["does not say that there was a gap before it, which was told"];
	}

	#judgePlace(number: number, message: Message, gap: boolean): string[] {
		if (message.refused) return ["came, and its call was refused"];
		// Another server passes on what came before.
		const passedOn = (gap || message.missed) && (message.doubtful || (!this.#bus && message.duringFault));
		if (message.received) return passedOn ? [] : ["came twice"];
		const last = this.#last;
		if (last === null || message.acked > last.issued || passedOn) return [];
		if (this.#bus && (message.doubtful || last.doubtful || message.ackedAt > last.issuedAt - BUS_MS)) return [];
		return [`came after one that was published when ${number} was acknowledged`];
	}

	/** What was acknowledged before this one's call began should have come before it. */
	#judgeHole(message: Message, gap: boolean): string[] {
		const found: string[] = [];
		if (gap) {
			// Where the gap's first message comes again, its own place says nothing of where the gap was.
			const before = (each: Message): boolean => each.issued < message.acked || (message.received && each.duringFault);
			for (const each of this.#messages.values()) if (each !== message && before(each)) each.missed = true;
			for (const [number, { missed }] of this.#open) if (missed) this.#open.delete(number);
			return found;
		}
		if (this.#bus) return found;
		for (const [number, { acked, owed }] of this.#open) {
			if (acked > message.issued) continue;
			if (owed) found.push(`came, but not ${number}, which was acknowledged before, and no gap was told`);
			this.#open.delete(number);
		}
		return found;
	}

	#event(): number {
		this.#events += 1;
		return this.#events;
	}
}

function wrong(what: string): Receipt {
	return { issuedAt: null, wrong: [what] };
}
