/** What is subscribed at one home, and what has to be: brings the one to the other. */
import type { ClientError } from "../errors.js";
import type { Home, HomeObserver } from "../home.js";
import type { Reply } from "../resp/reply.js";
import { Order } from "./order.js";
import { type Kind, type Topic, verbs } from "./topic.js";

/** Names in one command, at most. */
const MAX_NAMES = 256;

export interface LineObserver {
	/** The server confirmed it. */
	subscribed(topic: Topic): void;
	/** It answered so; none of these is subscribed. */
	refused(line: Line, topics: readonly Topic[], error: ClientError): void;
	/** Those that were subscribed, and are no more. */
	lost(line: Line, topics: readonly Topic[], cause: ClientError): void;
	push(line: Line, items: Reply[]): void;
	/** Nothing is subscribed here any more, or about to be. */
	empty(line: Line): void;
}

export class Line implements HomeObserver {
	readonly home: Home;
	readonly topics = new Set<Topic>();
	readonly #observer: LineObserver;
	readonly #timeoutMs: number;
	/** To be subscribed. */
	readonly #wanted = new Set<Topic>();
	/** To be unsubscribed, with those who wait for it. */
	#leaving = new Map<Topic, (() => void)[]>();
	readonly #orders = new Set<Order>();
	#scheduled = false;

	constructor(home: Home, timeoutMs: number, observer: LineObserver) {
		this.home = home;
		this.#timeoutMs = timeoutMs;
		this.#observer = observer;
	}

	add(topic: Topic): void {
		this.topics.add(topic);
		this.ask(topic);
	}

	/** Subscribes a topic that is not, with all that are asked for in this tick. */
	ask(topic: Topic): void {
		this.#wanted.add(topic);
		this.#schedule();
	}

	#schedule(): void {
		if (this.#scheduled) return;
		this.#scheduled = true;
		queueMicrotask(() => this.#flush());
	}

	/** Unsubscribes the topic; `left` is called once the server said so, or the connection is gone. */
	remove(topic: Topic, left?: () => void): void {
		this.topics.delete(topic);
		this.#wanted.delete(topic);
		const known = topic.state !== "off";
		topic.state = "off";
		topic.order = null;
		if (known && this.home.isReady) this.#leaving.set(topic, left === undefined ? [] : [left]);
		else left?.();
		this.#schedule();
	}

	// ── HomeObserver ──

	ready(): void {
		this.#schedule();
	}

	lost(cause: ClientError): void {
		const on: Topic[] = [];
		for (const topic of this.topics) {
			if (topic.state === "on") on.push(topic);
			topic.state = "off";
			topic.order = null;
			this.#wanted.add(topic);
		}
		this.#haveLeft();
		this.#observer.lost(this, on, cause);
	}

	/** Their connection is gone, and with it what was subscribed on it. */
	#haveLeft(): void {
		const leaving = this.#leaving;
		this.#leaving = new Map();
		for (const waiting of leaving.values()) for (const left of waiting) left();
	}

	push(items: Reply[]): void {
		this.#observer.push(this, items);
	}

	// ── orders ──

	#flush(): void {
		this.#scheduled = false;
		if (!this.home.isReady) this.#haveLeft();
		else {
			const leaving = this.#leaving;
			this.#leaving = new Map();
			for (const group of groupsOf(leaving.keys())) this.#unsubscribe(group, leaving);
			const off = [...this.#wanted].filter(({ state, held }) => state === "off" && !held);
			this.#wanted.clear();
			for (const group of groupsOf(off)) this.#subscribe(group);
		}
		this.#endIfEmpty();
	}

	#subscribe(topics: readonly Topic[]): void {
		const { kind } = topics[0] as Topic;
		const order = this.#send(verbs[kind].subscribe, topics, (error, lost) => {
			const current = topics.filter((topic) => topic.order === order);
			if (lost) return;
			if (error !== null) {
				for (const topic of current) {
					topic.state = "off";
					topic.order = null;
				}
				if (current.length > 0) this.#observer.refused(this, current, error);
				return;
			}
			for (const topic of current) {
				topic.state = "on";
				this.#observer.subscribed(topic);
			}
		});
		for (const topic of topics) {
			topic.state = "asked";
			topic.order = order;
		}
		this.home.send(order);
	}

	/** Whatever is answered, they are unsubscribed: nobody refuses it but a node that has lost the slot. */
	#unsubscribe(topics: readonly Topic[], leaving: ReadonlyMap<Topic, (() => void)[]>): void {
		const { kind } = topics[0] as Topic;
		const order = this.#send(verbs[kind].unsubscribe, topics, () => {
			for (const topic of topics) for (const left of leaving.get(topic) ?? []) left();
		});
		this.home.send(order);
	}

	#send(verb: string, topics: readonly Topic[], done: (error: ClientError | null, lost: boolean) => void): Order {
		const order = new Order([verb, ...topics.map(({ name }) => name)], this.#timeoutMs, (error, lost) => {
			this.#orders.delete(order);
			done(error, lost);
			this.#endIfEmpty();
		});
		this.#orders.add(order);
		return order;
	}

	#endIfEmpty(): void {
		if (this.topics.size === 0 && this.#orders.size === 0 && this.#leaving.size === 0) this.#observer.empty(this);
	}
}

/** Those that may stand in one command: of one kind, sharded ones of one slot. */
function* groupsOf(topics: Iterable<Topic>): Generator<Topic[]> {
	const open = new Map<string, Topic[]>();
	for (const topic of topics) {
		if (topic.alone) {
			yield [topic];
			continue;
		}
		const id = groupId(topic.kind, topic.slot);
		const group = open.get(id);
		if (group === undefined) open.set(id, [topic]);
		else if (group.push(topic) === MAX_NAMES) {
			open.delete(id);
			yield group;
		}
	}
	yield* open.values();
}

function groupId(kind: Kind, slot: number): string {
	return `${kind} ${slot}`;
}
