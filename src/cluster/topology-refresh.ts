/** Keeps the topology known: asked at the start, after redirections and lost nodes, and now and then; once at a time, on connections that exist. */
import type { ConnectionContext } from "../connection/connection.js";
import { formatEndpoint } from "../endpoint.js";
import { ClientError, WrongModeError } from "../errors.js";
import { Pool } from "../pool.js";
import { ask } from "../question.js";
import { isHopeless } from "../refusal.js";
import { backoffMs } from "../util/backoff.js";
import type { Nodes } from "./nodes.js";
import { displaced, parseClusterSlots, type ShardView, sameOwners } from "./topology.js";

export interface RefreshObserver {
	began(): void;
	/** Whether a view says what is known already. */
	agrees(view: readonly ShardView[]): boolean;
	adopt(view: readonly ShardView[]): void;
}

/** Somebody who waits until so many refreshes are over. */
interface Waiting {
	readonly finished: number;
	readonly resolve: () => void;
}

/** While a node that owes replies is silent, the others are asked this often whether its slots are still its own. */
const SUSPECT_POLL_MS = 500;
/** A node that has not answered by then is not waited for any more: the next one is asked as well. */
const HEDGE_MS = 500;
/** Nodes that are heard when one brings news: what most of them say holds. */
const VOTERS = 3;

export class TopologyRefresh {
	readonly #context: ConnectionContext;
	readonly #nodes: Nodes;
	readonly #observer: RefreshObserver;
	readonly #periodic: NodeJS.Timeout | null = null;
	/** Where MOVED led: nobody knows better. */
	#preferred: Pool | null = null;
	/** Whose view is in doubt. */
	#doubted: Pool | null = null;
	#soon: NodeJS.Timeout | null = null;
	#poll: NodeJS.Timeout | null = null;
	/** Refreshes that are over, whatever they brought. */
	finished = 0;
	/** What went wrong with each node that was asked since the refresh began. */
	#causes = new Map<string, ClientError>();
	#lastBegan = Number.NEGATIVE_INFINITY;
	/** Asked for while one was running: what caused that may be newer than what the running one was told. */
	#again = false;
	#running = false;
	/** Of seeds that are asked because no node answers. */
	#strangers: readonly Pool[] = [];
	readonly #waiting: Waiting[] = [];
	#stopped = false;

	constructor(context: ConnectionContext, nodes: Nodes, observer: RefreshObserver) {
		this.#context = context;
		this.#nodes = nodes;
		this.#observer = observer;
		const { refreshMs } = context.settings.cluster;
		if (refreshMs > 0) this.#periodic = setInterval(() => this.request(), refreshMs).unref();
	}

	/** Asks for a refresh, soon: at most one every `minRefreshMs`. `preferred` is asked first, `doubted` after all others. */
	request({ preferred, doubted }: { preferred?: Pool; doubted?: Pool | undefined } = {}): void {
		if (preferred !== undefined) this.#preferred = preferred;
		if (doubted !== undefined) this.#doubted = doubted;
		if (this.#stopped || this.#soon !== null) return;
		if (this.#running) {
			this.#again = true;
			return;
		}
		const { minRefreshMs } = this.#context.settings.cluster;
		const wait = this.#lastBegan + minRefreshMs - performance.now();
		const jitter = wait > 0 ? backoffMs(0, minRefreshMs / 4, minRefreshMs) : 0;
		this.#soon = setTimeout(() => {
			this.#soon = null;
			// One began meanwhile, for a node that is suspected: what was asked for comes behind it.
			if (this.#running) this.#again = true;
			else void this.#run();
		}, Math.max(0, wait) + jitter);
	}

	/** Asks for a refresh; resolves when one that began after this call is over, or none will begin any more. */
	next(): Promise<void> {
		if (this.#stopped) return Promise.resolve();
		const finished = this.finished + (this.#running ? 2 : 1);
		this.request();
		return new Promise((resolve) => this.#waiting.push({ finished, resolve }));
	}

	#tellWaiting(): void {
		for (let i = this.#waiting.length - 1; i >= 0; i--) {
			const { finished, resolve } = this.#waiting[i] as Waiting;
			if (!this.#stopped && finished > this.finished) continue;
			this.#waiting.splice(i, 1);
			resolve();
		}
	}

	/** Asks every `SUSPECT_POLL_MS`, without regard to `minRefreshMs`, as long as a node is suspected. */
	pollWhileSuspected(): void {
		if (this.#poll !== null || this.#stopped) return;
		this.#poll = setInterval(() => {
			if (this.#nodes.all().some((pool) => pool.isSuspected)) {
				if (!this.#running) void this.#run();
			} else this.#endPoll();
		}, SUSPECT_POLL_MS);
		if (!this.#running) void this.#run();
	}

	#endPoll(): void {
		if (this.#poll !== null) clearInterval(this.#poll);
		this.#poll = null;
	}

	/**
	 * Asks all seeds at once until one knows the topology; tells what each answered when none does by `startMs`.
	 * @throws AUTH, CLUSTER as soon as no seed is left that might answer otherwise; CONNECTION
	 */
	async bootstrap(): Promise<void> {
		const { seeds, timeouts, retry } = this.#context.settings;
		const causes = new Map<string, ClientError>();
		let late = false;
		let timer: NodeJS.Timeout | undefined;
		const deadline = new Promise<null>((resolve) => {
			if (timeouts.startMs === 0) return;
			timer = setTimeout(() => {
				late = true;
				resolve(null);
			}, timeouts.startMs);
		});
		try {
			for (let attempt = 0; !late; attempt++) {
				this.#observer.began();
				this.#lastBegan = performance.now();
				const pools = seeds.map((seed) => this.#nodes.at(seed));
				const view = await Promise.race([this.#firstView(pools, 0, causes), deadline]);
				if (this.#stopped) throw new ClientError("CLOSED", "the client is closed");
				if (view !== null) {
					this.#observer.adopt(view);
					return;
				}
				if (!late) await pause(Math.max(10, backoffMs(attempt, retry.baseMs * 4, retry.maxMs)), deadline);
			}
		} finally {
			clearTimeout(timer);
		}
		const silent = new ClientError("TIMEOUT", "did not answer");
		const list = inWords(seeds.map(formatEndpoint).map((name) => [name, causes.get(name) ?? silent]));
		throw new ClientError("CONNECTION", `no seed gave the cluster's topology within ${timeouts.startMs} ms: ${list}`);
	}

	stop(): void {
		this.#stopped = true;
		if (this.#soon !== null) clearTimeout(this.#soon);
		if (this.#periodic !== null) clearInterval(this.#periodic);
		this.#endPoll();
		this.#leaveStrangers();
		this.#soon = null;
		this.#tellWaiting();
	}

	async #run(): Promise<void> {
		this.#running = true;
		this.#again = false;
		this.#causes = new Map();
		this.#lastBegan = performance.now();
		this.#observer.began();
		// The caller's `natMap` may fail.
		const view = await this.#newView().catch((error) => this.#failed(error));
		this.#running = false;
		if (this.#stopped) return;
		const adopted = view !== null && this.#adopted(view);
		if (!adopted) this.#context.settings.teller.topology(() => ({ kind: "failed", cause: inWords(this.#causes) }));
		this.finished += 1;
		this.#tellWaiting();
		if (this.#again || !adopted) this.request();
	}

	/** What the cluster looks like now; null: nobody knows. */
	async #newView(): Promise<readonly ShardView[] | null> {
		const preferred = this.#preferred;
		const doubted = this.#doubted;
		this.#preferred = null;
		this.#doubted = null;
		const ready = shuffled([...this.#nodes.pools()].filter((pool) => pool.isReady && pool !== preferred));
		// A node that is silent, or whose opinion is in doubt, is asked when nobody else answers.
		const last = (pool: Pool): boolean => pool === doubted || pool.isSuspected;
		const candidates = [...ready.filter((pool) => !last(pool)), ...ready.filter(last)];
		if (preferred !== null) candidates.unshift(preferred);
		const view = await this.#firstView(candidates, HEDGE_MS, this.#causes).catch(() => null);
		if (this.#stopped) return null;
		if (view === null) return this.#viewOfSeeds();
		if (preferred !== null || this.#observer.agrees(view)) return view;
		return this.#majority(view, candidates.filter((pool) => !last(pool)).slice(0, VOTERS));
	}

	/**
	 * No node that is known answers. They may all have been made anew, with other identities at the same addresses, and to whoever is there now
	 * the pools of before do not connect. So the seeds are asked as at the start, on connections that carry nothing else.
	 */
	async #viewOfSeeds(): Promise<readonly ShardView[] | null> {
		this.#strangers = this.#context.settings.seeds.map((seed) => new Pool(seed, this.#context));
		const view = await this.#firstView(this.#strangers, 0, this.#causes).catch(() => null);
		this.#leaveStrangers();
		return view;
	}

	#leaveStrangers(): void {
		for (const pool of this.#strangers) pool.destroy();
		this.#strangers = [];
	}

	/** One node brought news: others are heard, and what most say holds. */
	async #majority(news: readonly ShardView[], voters: readonly Pool[]): Promise<readonly ShardView[]> {
		const asked = voters.map((pool) => this.#ask(pool, HEDGE_MS).catch(() => null));
		const views = (await Promise.all(asked)).filter((view) => view !== null);
		const votes = (view: readonly ShardView[]): number => views.filter((other) => sameOwners(view, other)).length;
		// Where neither side has more, what is known holds unless it fails: else nodes that contradict each other had their way in turn.
		const known = views.find((view) => this.#observer.agrees(view));
		const fails = known && displaced(known, news).some((primary) => this.#nodes.known(primary)?.isFailing);
		return views.reduce((best, view) => (votes(view) > votes(best) ? view : best), fails ? news : (known ?? news));
	}

	/**
	 * The first valid view of any of the pools, null when none has one; what each said goes to `causes`. The next pool is asked when the one
	 * before failed, or after `hedgeMs`; 0: all at once. Rejects when no retry will mend what any of them said.
	 */
	#firstView(pools: readonly Pool[], hedgeMs: number, causes: Map<string, ClientError>): Promise<readonly ShardView[] | null> {
		return new Promise((resolve, reject) => {
			let open = 0;
			let next = 0;
			let hopeless = true;
			let timer: NodeJS.Timeout | undefined;
			const done = (finish: () => void): void => {
				clearTimeout(timer);
				next = pools.length;
				finish();
			};
			const askNext = (): void => {
				clearTimeout(timer);
				const pool = pools[next];
				if (pool === undefined || this.#stopped) {
					if (open === 0) done(() => resolve(null));
					return;
				}
				next += 1;
				open += 1;
				if (next < pools.length && hedgeMs > 0) timer = setTimeout(askNext, hedgeMs);
				this.#ask(pool).then(
					(view) => done(() => resolve(view)),
					(error: ClientError) => {
						causes.set(formatEndpoint(pool.endpoint), error);
						open -= 1;
						hopeless &&= isHopeless(error);
						if (hopeless && open === 0 && next === pools.length) done(() => reject(error));
						else askNext();
					},
				);
				if (hedgeMs === 0) askNext();
			};
			askNext();
		});
	}

	/** False when the caller's `natMap` failed on it: the map that is there stays. */
	#adopted(view: readonly ShardView[]): boolean {
		try {
			this.#observer.adopt(view);
			return true;
		} catch (error) {
			this.#failed(error);
			return false;
		}
	}

	/** The caller's `natMap` may throw anything: only what is of this client's making is passed on. */
	#failed(error: unknown): null {
		this.#causes.set("the new view", error instanceof ClientError ? error : new ClientError("CLUSTER", "natMap failed on it"));
		return null;
	}

	/** @throws CLUSTER when the node's view is not usable, and whatever its connection throws */
	async #ask(pool: Pool, timeoutMs = this.#context.settings.timeouts.connectMs || 2000): Promise<ShardView[]> {
		const { clock } = this.#context;
		const reply = await ask(["CLUSTER", "SLOTS"], clock, timeoutMs, (request) => pool.send(request, -1)).catch(
			(error: ClientError) => {
				if (/cluster support disabled/.test(error.message)) {
					throw new WrongModeError(`${formatEndpoint(pool.endpoint)} is a standalone server: use a redis:// URL`);
				}
				throw error;
			},
		);
		return parseClusterSlots(reply, pool.endpoint);
	}
}

/** What each node that was asked answered; a message that names its node says it once. */
function inWords(causes: Iterable<readonly [node: string, cause: ClientError]>): string {
	const list = [...causes].map(([node, { message }]) => (message.startsWith(node) ? message : `${node}: ${message}`));
	return list.length === 0 ? "no node is left to be asked" : list.join("; ");
}

function shuffled<T>(items: T[]): T[] {
	for (let i = items.length - 1; i > 0; i--) {
		const j = Math.floor(Math.random() * (i + 1));
		[items[i], items[j]] = [items[j] as T, items[i] as T];
	}
	return items;
}

/** Waits `ms`, or until `end`. */
async function pause(ms: number, end: Promise<unknown>): Promise<void> {
	let timer: NodeJS.Timeout | undefined;
	const passed = new Promise<void>((resolve) => {
		timer = setTimeout(resolve, ms);
	});
	await Promise.race([passed, end]);
	clearTimeout(timer);
}
