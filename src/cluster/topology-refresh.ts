/** Keeps the topology known: asked at the start, after redirections and lost nodes, and now and then; once at a time, on connections that exist. */
import type { ConnectionContext } from "../connection/connection.js";
import { formatEndpoint } from "../connection/socket.js";
import { ClientError, WrongModeError } from "../errors.js";
import { isHopeless, type Pool } from "../pool.js";
import { SingleRequest } from "../request.js";
import { type Reply, ReplyMode } from "../resp/reply.js";
import { backoffMs } from "../util/backoff.js";
import type { Nodes } from "./nodes.js";
import { parseClusterSlots, type ShardView } from "./topology.js";

export interface RefreshObserver {
	began(): void;
	adopt(view: ShardView[]): void;
}

export class TopologyRefresh {
	readonly #context: ConnectionContext;
	readonly #nodes: Nodes;
	readonly #observer: RefreshObserver;
	readonly #periodic: NodeJS.Timeout | null = null;
	#preferred: Pool | null = null;
	#soon: NodeJS.Timeout | null = null;
	#lastBegan = Number.NEGATIVE_INFINITY;
	/** Asked for while one was running: what caused that may be newer than what the running one was told. */
	#again = false;
	#running = false;
	#stopped = false;

	constructor(context: ConnectionContext, nodes: Nodes, observer: RefreshObserver) {
		this.#context = context;
		this.#nodes = nodes;
		this.#observer = observer;
		const { refreshMs } = context.settings.cluster;
		if (refreshMs > 0) this.#periodic = setInterval(() => this.request(), refreshMs).unref();
	}

	/** Asks for a refresh, soon: at most one every `minRefreshMs`. `preferred` is asked first. */
	request(preferred?: Pool): void {
		if (preferred !== undefined) this.#preferred = preferred;
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
			void this.#run();
		}, Math.max(0, wait) + jitter);
	}

	/**
	 * Asks all seeds at once until one knows the topology; tells what each answered when none does by `startMs`.
	 * @throws AUTH, CLUSTER at once, CONNECTION
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
				const view = await Promise.race([this.#firstView(pools, causes), deadline]);
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
		const list = seeds.map((seed) => {
			const name = formatEndpoint(seed);
			const message = causes.get(name)?.message ?? "did not answer";
			return message.startsWith(name) ? message : `${name}: ${message}`;
		});
		throw new ClientError("CONNECTION", `no seed gave the cluster's topology within ${timeouts.startMs} ms: ${list.join("; ")}`);
	}

	stop(): void {
		this.#stopped = true;
		if (this.#soon !== null) clearTimeout(this.#soon);
		if (this.#periodic !== null) clearInterval(this.#periodic);
		this.#soon = null;
	}

	/** The first valid view of any of the pools, null when none has one; what each said goes to `causes`. Rejects on what no retry mends. */
	#firstView(pools: readonly Pool[], causes: Map<string, ClientError>): Promise<ShardView[] | null> {
		return new Promise((resolve, reject) => {
			let open = pools.length;
			for (const pool of pools) {
				this.#ask(pool).then(resolve, (error: ClientError) => {
					causes.set(formatEndpoint(pool.endpoint), error);
					if (isHopeless(error)) reject(error);
					open -= 1;
					if (open === 0) resolve(null);
				});
			}
		});
	}

	async #run(): Promise<void> {
		this.#running = true;
		this.#again = false;
		this.#lastBegan = performance.now();
		this.#observer.began();
		const view = await this.#newView();
		this.#running = false;
		if (this.#stopped) return;
		const adopted = view !== null && this.#adopted(view);
		if (this.#again || !adopted) this.request();
	}

	/** The view of the first node that has one: the preferred, then those that are connected, the seeds when none is. */
	async #newView(): Promise<ShardView[] | null> {
		const ready = [...this.#nodes.pools()].filter((pool) => pool.isReady && pool !== this.#preferred);
		const candidates = this.#preferred === null ? ready : [this.#preferred, ...ready];
		this.#preferred = null;
		for (const pool of candidates) {
			if (this.#stopped) return null;
			const view = await this.#ask(pool).catch(() => null);
			if (view !== null) return view;
		}
		if (this.#stopped || ready.length > 0) return null;
		const seeds = this.#context.settings.seeds.map((seed) => this.#nodes.at(seed));
		return this.#firstView(seeds, new Map()).catch(() => null);
	}

	/** False when the caller's `natMap` failed on it: the map that is there stays. */
	#adopted(view: ShardView[]): boolean {
		try {
			this.#observer.adopt(view);
			return true;
		} catch {
			return false;
		}
	}

	/** @throws CLUSTER when the node's view is not usable, and whatever its connection throws */
	async #ask(pool: Pool): Promise<ShardView[]> {
		const reply = await new Promise<Reply>((resolve, reject) => {
			const request = new SingleRequest(
				["CLUSTER", "SLOTS"],
				-1,
				0,
				ReplyMode.string,
				null,
				resolve as (value: never) => void,
				reject,
			);
			request.internal = true;
			this.#context.clock.add(request, this.#context.settings.timeouts.connectMs || 2000);
			pool.send(request, -1);
		}).catch((error: ClientError) => {
			if (/cluster support disabled/.test(error.message)) {
				throw new WrongModeError(`${formatEndpoint(pool.endpoint)} is a standalone server: use a redis:// URL`);
			}
			throw error;
		});
		return parseClusterSlots(reply, pool.endpoint);
	}
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
