/**
 * All subscriptions of one client: which names are wanted and by whom, and where on the servers they live.
 *
 *     Subscription ──wants──► Topic ──lives at──► Line ──speaks to──► Home (a node's connection)
 *
 * Channels and patterns share one line, at any primary: servers pass messages on among themselves. Sharded channels live at the primary of
 * their slot. When a connection is lost, or the topology changes, topics move to where they belong, and whoever wants them hears of the gap.
 */
import { Alarm, type DeadlineClock } from "../deadline-clock.js";
import { ClientError, ReplyError } from "../errors.js";
import type { Home, Homes } from "../home.js";
import type { Settings } from "../options.js";
import { classify, isHopeless } from "../refusal.js";
import { type Command, failure } from "../request.js";
import type { Reply } from "../resp/reply.js";
import { keySlot } from "../slot.js";
import { backoffMs } from "../util/backoff.js";
import { Line, type LineObserver } from "./line.js";
import { Pending } from "./pending.js";
import { type GapReason, type Kind, keyOf, type Sink, Topic } from "./topic.js";

/** Something that topics are given to and taken from. */
export interface Subscriber extends Sink {
	/** What it wants. */
	readonly topics: Set<Topic>;
	/** It wants nothing any more. */
	end(): void;
	/** Nor is what it has read. */
	discard(): void;
}

/** How long a call may wait for the servers. */
export interface Wait {
	/** 0: as long as it takes. */
	readonly timeoutMs: number;
	/** Called with what gives it up; what it returns takes that back. */
	onWait(cancel: (error: ClientError) => void): () => void;
}

/** A topic that a server took back sooner than this may be taken back again: it is not asked for at once for ever. */
const STABLE_MS = 1000;
const FREE_BOUNCES = 2;

const messages: Readonly<Record<string, Kind>> = { message: "channel", pmessage: "pattern", smessage: "shard" };

export class Hub implements LineObserver {
	readonly #homes: Homes;
	readonly #settings: Settings;
	readonly #clock: DeadlineClock;
	readonly #topics: Readonly<Record<Kind, Map<string, Topic>>> = { channel: new Map(), pattern: new Map(), shard: new Map() };
	readonly #lines = new Map<Home, Line>();
	readonly #lineOf = new Map<Topic, Line>();
	/** The one that channels and patterns live at. */
	#classic: Line | null = null;
	readonly #pauses = new Set<NodeJS.Timeout>();
	#rehoming = false;
	#closed: ClientError | null = null;

	constructor(homes: Homes, settings: Settings, clock: DeadlineClock) {
		this.#homes = homes;
		this.#settings = settings;
		this.#clock = clock;
		homes.watchHomes(() => this.#rehomeSoon());
	}

	/**
	 * Gives the messages of these names to `subscriber`; resolves once the server confirmed all of them.
	 * @throws TIMEOUT, ABORTED, CLOSED, AUTH, and what the server says; then none of them that it had not before is left
	 */
	async add(subscriber: Subscriber, kind: Kind, names: readonly Buffer[], wait: Wait): Promise<void> {
		if (this.#closed !== null) throw this.#closed;
		const added: Topic[] = [];
		const wanted = names.map((name) => this.#topic(kind, name));
		for (const topic of wanted) {
			if (!subscriber.topics.has(topic)) added.push(topic);
			topic.sinks.add(subscriber);
			subscriber.topics.add(topic);
		}
		const pending = new Pending(wanted, subscriber, added);
		for (const topic of wanted) this.#settle(topic);
		const deadline = new Alarm(() => pending.fail(lateError(kind, pending.cause)));
		this.#clock.add(deadline, wait.timeoutMs);
		const stopWaiting = wait.onWait((error) => pending.fail(error));
		try {
			await pending.done;
		} catch (error) {
			void this.remove(
				subscriber,
				added.filter((topic) => !inherited(topic, subscriber)),
			);
			throw error;
		} finally {
			deadline.unlink();
			stopWaiting();
		}
	}

	/** Takes these away from `subscriber`, which ends without any left; resolves once the servers said that they are unsubscribed. */
	async remove(subscriber: Subscriber, topics: Iterable<Topic>): Promise<void> {
		const leaving: Promise<void>[] = [];
		for (const topic of [...topics]) {
			subscriber.topics.delete(topic);
			if (topic.sinks.delete(subscriber) && topic.sinks.size === 0) leaving.push(this.#drop(topic));
		}
		if (subscriber.topics.size === 0) subscriber.end();
		await Promise.all(leaving);
	}

	/** Ends these names for everybody; undefined: all of the kind. A name that nobody wants is none. */
	async removeAll(kind: Kind, names: readonly Buffer[] | undefined): Promise<void> {
		const topics = this.#topics[kind];
		const gone =
			names === undefined
				? [...topics.values()]
				: names.map((name) => topics.get(keyOf(name))).filter((topic) => topic !== undefined);
		await Promise.all(gone.flatMap((topic) => [...topic.sinks].map((sink) => this.remove(sink as Subscriber, [topic]))));
	}

	/** The topics that these names are, as far as somebody wants them. */
	known(kind: Kind, names: readonly Buffer[]): Topic[] {
		return names.map((name) => this.#topics[kind].get(keyOf(name))).filter((topic) => topic !== undefined);
	}

	/** Everything ends; what was buffered is still delivered. */
	close(): void {
		this.#end((subscriber) => subscriber.end());
	}

	/** Everything ends with CLOSED, at once. */
	destroy(): void {
		this.#end((subscriber, error) => {
			subscriber.discard();
			subscriber.fail(error);
		});
	}

	#end(end: (subscriber: Subscriber, error: ClientError) => void): void {
		if (this.#closed !== null) return;
		const error = new ClientError("CLOSED", "the client is closed");
		this.#closed = error;
		this.#homes.watchHomes(null);
		for (const pause of this.#pauses) clearTimeout(pause);
		const subscribers = new Set<Subscriber>();
		for (const topics of Object.values(this.#topics)) {
			for (const topic of topics.values()) {
				for (const sink of topic.sinks) subscribers.add(sink as Subscriber);
				for (const pending of [...topic.pendings]) pending.fail(error);
			}
			topics.clear();
		}
		for (const line of this.#lines.values()) line.home.leave();
		this.#lines.clear();
		for (const subscriber of subscribers) end(subscriber, error);
	}

	// ── topics ──

	#topic(kind: Kind, name: Buffer): Topic {
		const key = keyOf(name);
		const topics = this.#topics[kind];
		let topic = topics.get(key);
		if (topic === undefined) {
			topic = new Topic(kind, name, kind === "shard" && this.#settings.mode === "cluster" ? keySlot(name) : -1);
			topics.set(key, topic);
		}
		return topic;
	}

	/** Nobody wants it any more. */
	#drop(topic: Topic): Promise<void> {
		this.#topics[topic.kind].delete(topic.key);
		for (const pending of [...topic.pendings]) pending.settled(topic);
		const line = this.#lineOf.get(topic);
		this.#lineOf.delete(topic);
		return line === undefined ? Promise.resolve() : new Promise((resolve) => line.remove(topic, resolve));
	}

	/** Gives a topic that lives nowhere a home. */
	#settle(topic: Topic): void {
		if (this.#lineOf.has(topic)) return;
		const line = topic.kind === "shard" ? this.#lineAt(this.#homes.homeOf(topic.slot, null)) : this.#classicLine();
		if (line === undefined) {
			// The next topology may tell, or a later one.
			const unserved = new ClientError("CLUSTER", `slot ${topic.slot} is served by no node that is known`);
			for (const pending of topic.pendings) pending.cause = unserved;
			this.#hold([topic]);
			return;
		}
		this.#lineOf.set(topic, line);
		line.add(topic);
	}

	#classicLine(): Line | undefined {
		this.#classic ??= this.#lineAt(this.#homes.homeOf(-1, null)) ?? null;
		return this.#classic ?? undefined;
	}

	#lineAt(home: Home | undefined): Line | undefined {
		if (home === undefined) return undefined;
		let line = this.#lines.get(home);
		if (line === undefined) {
			line = new Line(home, this.#settings.timeouts.commandMs || 5000, this);
			this.#lines.set(home, line);
			home.open(line);
		}
		return line;
	}

	/** Leaves its line for another one, if it belongs there. */
	#move(topic: Topic, to: Line | undefined): void {
		const from = this.#lineOf.get(topic);
		if (from === to) return;
		this.#lineOf.delete(topic);
		from?.remove(topic);
		if (to === undefined) this.#hold([topic]);
		else {
			this.#lineOf.set(topic, to);
			to.add(topic);
		}
	}

	#rehomeSoon(): void {
		if (this.#rehoming) return;
		this.#rehoming = true;
		queueMicrotask(() => {
			this.#rehoming = false;
			if (this.#closed === null) this.#rehome();
		});
	}

	/** The topology has changed. */
	#rehome(): void {
		const gaps = new Map<GapReason, Topic[]>();
		const classic = this.#classic;
		if (classic !== null && !this.#homes.isHome(classic.home)) this.#moveClassic(classic, gaps);
		for (const topic of this.#topics.shard.values()) {
			const line = this.#lineOf.get(topic);
			const home = this.#homes.homeOf(topic.slot, null);
			if (home === undefined || home === line?.home) continue;
			if (topic.state === "on") {
				const reason = line !== undefined && this.#homes.isHome(line.home) ? "slot-moved" : "node-left";
				gaps.set(reason, [...(gaps.get(reason) ?? []), topic]);
			}
			this.#move(topic, this.#lineAt(home));
		}
		for (const [reason, topics] of gaps) this.#tell(reason, topics);
	}

	#moveClassic(classic: Line, gaps?: Map<GapReason, Topic[]>): void {
		const topics = [...classic.topics].filter(({ kind }) => kind !== "shard");
		// The next to be subscribed finds one for itself.
		this.#classic = null;
		if (topics.length === 0) return;
		const next = this.#lineAt(this.#homes.homeOf(-1, classic.home)) ?? classic;
		this.#classic = next;
		if (next === classic) return;
		const on = topics.filter(({ state }) => state === "on");
		if (on.length > 0) gaps?.set("node-left", on);
		for (const topic of topics) this.#move(topic, next);
	}

	/** Asks for topics again after a pause, which grows with each refusal. */
	#hold(topics: readonly Topic[]): void {
		const { baseMs, maxMs } = this.#settings.retry;
		let refusals = 0;
		for (const topic of topics) {
			topic.held = true;
			topic.refusals += 1;
			refusals = Math.max(refusals, topic.refusals);
		}
		const pause = setTimeout(
			() => {
				this.#pauses.delete(pause);
				for (const topic of topics) {
					topic.held = false;
					if (topic.sinks.size === 0) continue;
					if (this.#lineOf.has(topic)) this.#lineOf.get(topic)?.ask(topic);
					else this.#settle(topic);
				}
			},
			backoffMs(refusals, baseMs, maxMs),
		);
		this.#pauses.add(pause);
	}

	#tell(reason: GapReason, topics: readonly Topic[]): void {
		const concerned = new Map<Sink, Topic[]>();
		for (const topic of topics) {
			for (const sink of topic.sinks) {
				const known = concerned.get(sink);
				if (known === undefined) concerned.set(sink, [topic]);
				else known.push(topic);
			}
		}
		for (const [sink, all] of concerned) sink.gap(reason, all);
	}

	// ── LineObserver ──

	subscribed(topic: Topic): void {
		topic.refusals = 0;
		topic.alone = false;
		topic.since = performance.now();
		for (const pending of [...topic.pendings]) pending.settled(topic);
	}

	refused(line: Line, topics: readonly Topic[], error: ClientError): void {
		const [first] = topics as [Topic];
		const { kind } = classify(error, { slot: first.slot, flags: 0 } as Command);
		const known = error instanceof ReplyError ? failure(error, { flags: 0 } as Command) : error;
		for (const topic of topics) for (const pending of topic.pendings) pending.cause = known;
		if (kind === "fail") {
			if (topics.length === 1) this.#refuse(first, known);
			else {
				// One of them it is; the others are none the worse for it.
				for (const topic of topics) {
					topic.alone = true;
					line.ask(topic);
				}
			}
			return;
		}
		if (kind === "moved") {
			this.#homes.refused(first.slot, error, line.home);
			// Where it leads is followed at once, but not to and fro.
			if (topics.every(({ refusals }) => refusals < 2)) {
				for (const topic of topics) topic.refusals += 1;
				this.#rehome();
				if (topics.every((topic) => this.#lineOf.get(topic) !== line)) return;
			}
		} else if (kind === "down" || kind === "demoted") this.#homes.refused(first.slot, error, line.home);
		else if (kind === "forgotten") line.home.forgotten(error);
		this.#hold(topics);
	}

	/** For good. */
	#refuse(topic: Topic, error: ClientError): void {
		const waiting = [...topic.pendings];
		for (const pending of waiting) pending.fail(error);
		// Those who waited leave by themselves; whoever had it before learns that it is over.
		queueMicrotask(() => {
			for (const sink of [...topic.sinks] as Subscriber[]) {
				sink.fail(error);
				void this.remove(sink, sink.topics);
			}
		});
	}

	lost(line: Line, topics: readonly Topic[], cause: ClientError): void {
		if (this.#closed !== null) return;
		this.#tell("connection-lost", topics);
		for (const topic of line.topics) {
			for (const pending of [...topic.pendings]) {
				pending.cause = cause;
				if (isHopeless(cause)) pending.fail(cause);
			}
		}
		// Any other primary will do, and one of them may be connected.
		if (line === this.#classic) this.#moveClassic(line);
	}

	push(line: Line, items: Reply[]): void {
		const word = String(items[0]);
		const kind = messages[word];
		const [, name] = items;
		if (!Buffer.isBuffer(name)) return;
		const topic = this.#topics[kind ?? "shard"].get(keyOf(name));
		// Another line's word does not count: it is on its way out. Nor does what comes before this one's confirmation: the end of an earlier time.
		if (topic === undefined || this.#lineOf.get(topic) !== line || topic.state !== "on") return;
		if (kind === undefined) {
			if (word === "sunsubscribe") this.#slotLeft(line, topic);
			return;
		}
		const channel = kind === "pattern" ? items[2] : name;
		const message = items[kind === "pattern" ? 3 : 2];
		if (!Buffer.isBuffer(channel) || !Buffer.isBuffer(message)) return;
		for (const sink of topic.sinks) sink.deliver({ topic, channel, message });
	}

	/** The server has unsubscribed it of its own accord. Who has the slot now it will say when it is asked. */
	#slotLeft(line: Line, topic: Topic): void {
		topic.state = "off";
		topic.order = null;
		this.#tell("slot-moved", [topic]);
		topic.bounces = performance.now() - topic.since < STABLE_MS ? topic.bounces + 1 : 0;
		if (topic.bounces > FREE_BOUNCES) {
			topic.refusals = topic.bounces;
			this.#hold([topic]);
		}
		const home = this.#homes.homeOf(topic.slot, null);
		if (home === undefined || home === line.home) line.ask(topic);
		else this.#move(topic, this.#lineAt(home));
	}

	empty(line: Line): void {
		if (line.topics.size > 0 || this.#lines.get(line.home) !== line) return;
		this.#lines.delete(line.home);
		if (this.#classic === line) this.#classic = null;
		line.home.leave();
	}
}

/** Whether another call for the same subscriber waits for the topic still: then it is that call's to take back. */
function inherited(topic: Topic, subscriber: Subscriber): boolean {
	const heir = [...topic.pendings].find(({ owner }) => owner === subscriber);
	heir?.added.push(topic);
	return heir !== undefined;
}

function lateError(kind: Kind, cause: ClientError | null): ClientError {
	const what = kind === "pattern" ? "the patterns were" : "the channels were";
	const message = `${what} not subscribed within the deadline${cause === null ? "" : `: ${cause.message}`}`;
	return new ClientError("TIMEOUT", message, cause === null ? {} : { cause });
}
