/**
 * Carries requests to the primaries of a cluster: slot ─► shard ─► pool, and back again when a server says otherwise.
 *
 * The slot map is built aside and assigned once. A MOVED changes one slot of it at once; a refresh that began before must not undo that,
 * so slots moved while one runs are written over its result.
 */
import type { ConnectionContext } from "../connection/connection.js";
import { formatEndpoint } from "../connection/socket.js";
import type { Dispatcher, Gauges, Lease, LeaseTarget } from "../dispatcher.js";
import { ClientError } from "../errors.js";
import type { Lane } from "../lane.js";
import { isHopeless, type Pool } from "../pool.js";
import { classify, type Refusal, resolveRedirection } from "../refusal.js";
import { Attempt, type Carrier, type Endpoint, type Request, settleAll } from "../request.js";
import { mayRepeat, RetryQueue, unanswered } from "../retry-queue.js";
import { SLOT_COUNT } from "../slot.js";
import { drained } from "../util/drained.js";
import { Nodes } from "./nodes.js";
import { SlotMap } from "./slot-map.js";
import type { ShardView } from "./topology.js";
import { TopologyRefresh } from "./topology-refresh.js";

export interface Shard {
	readonly primary: Pool;
	readonly replicas: readonly Endpoint[];
}

export class Cluster implements Dispatcher, Carrier {
	readonly keyGroups = SLOT_COUNT;
	readonly #context: ConnectionContext;
	readonly #nodes: Nodes;
	readonly #refresh: TopologyRefresh;
	readonly #retries: RetryQueue;
	#map = new SlotMap<Shard>();
	/** Slots that MOVED told of since the running refresh began. */
	readonly #moved = new Map<number, Pool>();
	/** Commands without keys go here; chosen anew with each map, so that many clients spread over the primaries. */
	#anyPrimary: Pool | undefined;
	#closed: ClientError | null = null;

	constructor(context: ConnectionContext) {
		this.#context = context;
		this.#nodes = new Nodes(context, { lost: (pool) => this.#nodeLost(pool) });
		this.#refresh = new TopologyRefresh(context, this.#nodes, {
			began: () => this.#moved.clear(),
			adopt: (view) => this.#adopt(view),
		});
		this.#retries = new RetryQueue(context.settings, (attempt) => this.#route(attempt));
	}

	/**
	 * Learns the topology from the first seed that knows it; then one connection is ready, and others to the primaries are on their way.
	 * @throws AUTH, CLUSTER at once; CONNECTION by `startMs`, naming each seed and its cause
	 */
	async start(): Promise<void> {
		await this.#refresh.bootstrap();
	}

	// ── Dispatcher ──

	dispatch(request: Request): void {
		request.carrier = this;
		if (this.#closed !== null) {
			settleAll(request, this.#closed);
			return;
		}
		const lane = this.lane(request.command(0).slot);
		if (lane !== undefined && (request.size === 1 || this.#sharesLane(request, lane))) lane.send(request);
		else for (let i = 0; i < request.size; i++) this.#route(new Attempt(request, i));
	}

	lane(slot: number): Lane | undefined {
		const pool = slot === -1 ? this.#anyPrimary : this.#map.get(slot)?.primary;
		return pool?.lane(slot);
	}

	endpoints(scope: "primaries" | "all"): Endpoint[] {
		const shards = this.#map.shards;
		const primaries = shards.map((shard) => shard.primary.endpoint);
		return scope === "primaries" ? primaries : [...primaries, ...shards.flatMap((shard) => shard.replicas)];
	}

	/** The node's own pool carries it: what is sent again goes to the same node, for another's answer would be counted twice. */
	dispatchTo(node: Endpoint, request: Request): void {
		if (this.#closed !== null) settleAll(request, this.#closed);
		else this.#nodes.at(node).dispatch(request);
	}

	lease(target: LeaseTarget): Promise<Lease> {
		if (this.#closed !== null) return Promise.reject(this.#closed);
		if ("node" in target) {
			const known = this.endpoints("all").find((node) => formatEndpoint(node) === target.node);
			const pool = this.#nodes.find(target.node) ?? (known && this.#nodes.at(known));
			return pool === undefined
				? Promise.reject(new ClientError("INVALID_ARGUMENT", `${target.node} is not a node of this cluster`))
				: pool.lease({ node: formatEndpoint(pool.endpoint) });
		}
		const pool = target.slot === -1 ? this.#anyPrimary : this.#map.get(target.slot)?.primary;
		if (pool === undefined) return Promise.reject(unserved(target.slot));
		return pool.lease(target);
	}

	get closed(): ClientError | null {
		return this.#closed;
	}

	gauges(): Gauges {
		const total = { inFlight: this.#retries.size, connections: 0 };
		for (const pool of this.#nodes.pools()) {
			const { inFlight, connections } = pool.gauges();
			total.inFlight += inFlight;
			total.connections += connections;
		}
		return total;
	}

	async close(timeoutMs: number): Promise<void> {
		await drained(() => this.gauges().inFlight, timeoutMs);
		this.destroy();
	}

	destroy(cause?: Error): void {
		const error = new ClientError("CLOSED", "the client is closed", cause === undefined ? {} : { cause });
		this.#closed ??= error;
		this.#refresh.stop();
		this.#nodes.destroy(cause);
		this.#retries.clear(error);
	}

	// ── Carrier: a command came back ──

	refused(attempt: Attempt, error: ClientError, origin: Endpoint): void {
		const refusal = classify(error, attempt.subject);
		attempt.asking = false;
		switch (refusal.kind) {
			case "moved":
			case "ask":
				this.#redirect(attempt, refusal, error, origin);
				return;
			case "later":
				if (error.code === "CLUSTERDOWN") this.#refresh.request();
				this.#retryLater(attempt, error);
				return;
			case "split":
			case "fail":
				attempt.settle(error);
		}
	}

	lost(attempt: Attempt, cause: ClientError, written: boolean): void {
		if (this.#closed !== null || !mayRepeat(attempt, cause, written) || isHopeless(cause))
			attempt.settle(unanswered(this.#closed ?? cause, written));
		else {
			attempt.asking = false;
			this.#retryLater(attempt, unanswered(cause, written));
		}
	}

	#redirect(attempt: Attempt, refusal: Extract<Refusal, { host: string }>, error: ClientError, origin: Endpoint): void {
		attempt.trail.push(formatEndpoint(origin));
		if (attempt.trail.length > this.#context.settings.cluster.maxRedirections) {
			const trail = attempt.trail.join(", ");
			const message = `slot ${refusal.slot} was redirected ${attempt.trail.length} times, by ${trail}`;
			attempt.settle(new ClientError("CLUSTER", message, { cause: error }));
			return;
		}
		const pool = this.#targetOf(refusal, origin);
		if (pool === null) {
			this.#refresh.request();
			this.#retryLater(attempt, error);
			return;
		}
		this.#context.counters.redirections += 1;
		if (refusal.kind === "moved") {
			this.#moveSlot(refusal.slot, pool);
			this.#refresh.request(pool);
		}
		attempt.asking = refusal.kind === "ask";
		pool.send(attempt, refusal.slot);
	}

	/** The pool a redirection leads to; null when its address is unknown, or the caller's `natMap` failed on it. */
	#targetOf(target: { host: string; port: number }, origin: Endpoint): Pool | null {
		const endpoint = resolveRedirection(target, origin);
		if (endpoint === null) return null;
		try {
			return this.#nodes.at(this.#nodes.translate(endpoint));
		} catch {
			return null;
		}
	}

	#retryLater(attempt: Attempt, error: ClientError): void {
		if (this.#closed !== null) {
			attempt.settle(this.#closed);
			return;
		}
		this.#context.counters.retries += 1;
		this.#retries.add(attempt, error);
	}

	// ── slots ──

	#route(attempt: Attempt): void {
		const { slot } = attempt.subject;
		const lane = this.lane(slot);
		if (lane !== undefined) lane.send(attempt);
		else {
			this.#refresh.request();
			this.#retryLater(attempt, unserved(slot));
		}
	}

	#sharesLane(request: Request, lane: Lane): boolean {
		for (let i = 1; i < request.size; i++) if (this.lane(request.command(i).slot) !== lane) return false;
		return true;
	}

	#moveSlot(slot: number, primary: Pool): void {
		this.#moved.set(slot, primary);
		assignSlot(this.#map, slot, primary);
	}

	#adopt(view: readonly ShardView[]): void {
		const map = new SlotMap<Shard>();
		for (const { primary, replicas, ranges } of view) {
			const shard = { primary: this.#nodes.of(primary), replicas: replicas.map((node) => this.#nodes.translate(node.endpoint)) };
			for (const [start, end] of ranges) map.assign(start, end, shard);
		}
		for (const [slot, primary] of this.#moved) assignSlot(map, slot, primary);
		this.#map = map;
		const primaries = map.shards.map((shard) => shard.primary);
		this.#anyPrimary = primaries[Math.floor(Math.random() * primaries.length)];
		const replicas = map.shards.flatMap((shard) => shard.replicas.map((node) => this.#nodes.find(formatEndpoint(node))));
		this.#nodes.keep(new Set([...primaries, ...replicas.filter((pool) => pool !== undefined)]));
		for (const pool of primaries) pool.warm();
	}

	#nodeLost(pool: Pool): void {
		if (this.#map.shards.some((shard) => shard.primary === pool)) this.#refresh.request();
	}
}

function assignSlot(map: SlotMap<Shard>, slot: number, primary: Pool): void {
	const shard = map.shards.find((known) => known.primary === primary) ?? { primary, replicas: [] };
	map.assign(slot, slot, shard);
}

function unserved(slot: number): ClientError {
	return new ClientError("CLUSTER", slot === -1 ? "no primary is known" : `slot ${slot} is served by no node that is known`);
}
