/**
 * Carries requests to the nodes of a cluster: slot ─► shard ─► pool, and back again when a server says otherwise.
 *
 * The slot map is built aside and assigned once. A MOVED changes one slot of it at once; a refresh that began before must not undo that,
 * so slots moved while one runs are written over its result.
 */
import { Budget } from "../budget.js";
import type { ConnectionContext } from "../connection/connection.js";
import type { Dispatcher, Gauges, Lease, LeaseTarget, LeaseWait, SlotRange } from "../dispatcher.js";
import { type Endpoint, formatEndpoint } from "../endpoint.js";
import { ClientError } from "../errors.js";
import { Fences } from "../fences.js";
import type { Home, Homes } from "../home.js";
import type { Lane } from "../lane.js";
import { forgotten, isProbe, type Pool } from "../pool.js";
import {
	BUSY_ATTEMPTS,
	classify,
	FORGOTTEN_ATTEMPTS,
	mayRepeat,
	parseRedirection,
	type Refusal,
	resolveRedirection,
	unanswered,
} from "../refusal.js";
import {
	type Attempt,
	type Carrier,
	type Command,
	CommandFlag,
	type Entry,
	EntryPart,
	type Link,
	type Request,
	settleAll,
} from "../request.js";
import { SLOT_COUNT } from "../slot.js";
import { drained } from "../util/drained.js";
import { Nodes } from "./nodes.js";
import { SlotMap } from "./slot-map.js";
import type { ShardView } from "./topology.js";
import { TopologyRefresh } from "./topology-refresh.js";

export interface Shard {
	readonly primary: Pool;
	readonly replicas: readonly Endpoint[];
	/** The same, to be read from; empty unless reads go to replicas. */
	readonly readers: readonly Pool[];
}

export class Cluster implements Dispatcher, Carrier {
	readonly keyGroups = SLOT_COUNT;
	readonly #context: ConnectionContext;
	readonly #nodes: Nodes;
	readonly #refresh: TopologyRefresh;
	readonly #fences: Fences;
	/** Of commands that no node is known for. */
	readonly #homeless: Budget;
	readonly #readsReplicas: boolean;
	#map = new SlotMap<Shard>();
	/** Slots that MOVED told of since the running refresh began. */
	readonly #moved = new Map<number, Pool>();
	/** How often MOVED changed the map since it was adopted. */
	#movedSince = 0;
	/** Commands without keys go here; chosen anew with each map, so that many clients spread over the primaries. */
	#anyPrimary: Pool | undefined;
	/** Primaries of earlier maps that are none now. */
	readonly #demoted = new WeakSet<Pool>();
	/** Told when the map has changed; null while nobody is subscribed. */
	#homesChanged: (() => void) | null = null;
	#closed: ClientError | null = null;

	constructor(context: ConnectionContext) {
		const { settings } = context;
		this.#context = context;
		this.#homeless = new Budget("a slot that no node is known for", settings.pool, context.crowd);
		this.#readsReplicas = settings.cluster.readFrom === "replica";
		this.#nodes = new Nodes(context, {
			lost: (pool) => this.#nodeLost(pool),
			suspected: () => this.#refresh.pollWhileSuspected(),
			misplaced: (pool, error, link) => this.#misplaced(pool, error, link),
			expelled: (connection, cause) => this.#replace(connection, cause),
		});
		this.#refresh = new TopologyRefresh(context, this.#nodes, {
			began: () => this.#moved.clear(),
			agrees: (view) => this.#agrees(view),
			adopt: (view) => this.#adopt(view),
		});
		this.#fences = new Fences(settings.retry, (attempt) => this.#route(attempt));
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
		const refusal = this.#closed ?? this.#overload(request);
		if (refusal !== null) {
			settleAll(request, refusal);
			return;
		}
		const free = this.#fences.size === 0 ? null : this.#fences.screen(request);
		if (free === null) this.#send(request, request, null);
		else if (free.length > 0) this.#send(new EntryPart(request, free), request, free);
	}

	/** @param indexes of the request's commands that `entry` has; null: all */
	#send(entry: Entry, request: Request, indexes: readonly number[] | null): void {
		const { slot, flags } = entry.command(0);
		if ((flags & CommandFlag.byHash) !== 0 && this.#leads(request, entry.command(0))) return;
		const lane = this.lane(slot, flags);
		if (lane !== undefined && (request.units === 1 || this.#sharesLane(entry, lane))) lane.send(entry);
		else for (let i = 0; i < (indexes?.length ?? request.units); i++) this.#route(request.attempt(indexes?.[i] ?? i));
	}

	/** Whether a script's call was sent ahead of all later commands of its slot, see {@link isProbe}. Replicas are read from in no order. */
	#leads(request: Request, command: Command): boolean {
		const pool = this.#poolFor(command.slot, command.flags);
		if (pool === undefined || pool.isReader || !isProbe(request, command, pool.lane(command.slot))) return false;
		this.#fences.lead(request.attempt(0), pool.budget);
		return true;
	}

	/** A replica's lane for reads where they go to replicas and one is connected, otherwise the primary's. */
	lane(slot: number, flags: number): Lane | undefined {
		return this.#poolFor(slot, flags)?.lane(slot);
	}

	#poolFor(slot: number, flags: number): Pool | undefined {
		if (slot === -1) return this.#anyPrimary;
		const shard = this.#map.get(slot);
		if (shard === undefined) return undefined;
		if (this.#readsReplicas && (flags & CommandFlag.readOnly) !== 0) {
			// Always the same one for a slot, as long as it is there: replicas lag differently.
			for (let i = 0; i < shard.readers.length; i++) {
				const reader = shard.readers[(slot + i) % shard.readers.length] as Pool;
				if (reader.lane(slot).answers) return reader;
			}
		}
		return shard.primary;
	}

	refusal(slot: number, flags: number): Promise<never> | null {
		return this.#fences.budgetOf(slot)?.refusal ?? this.#poolFor(slot, flags)?.refusal() ?? null;
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

	slotsOf(node: Endpoint): SlotRange[] {
		const pool = this.#nodes.find(formatEndpoint(node));
		const ranges: SlotRange[] = [];
		let first = -1;
		for (let slot = 0; slot <= SLOT_COUNT; slot++) {
			const own = slot < SLOT_COUNT && pool !== undefined && this.#map.get(slot)?.primary === pool;
			if (own && first === -1) first = slot;
			if (own || first === -1) continue;
			ranges.push([first, slot - 1]);
			first = -1;
		}
		return ranges;
	}

	redirected(target: { host: string; port: number }, by: Endpoint): Endpoint | null {
		return this.#targetOf(target, by)?.endpoint ?? null;
	}

	refresh(): Promise<void> {
		return this.#refresh.next();
	}

	lease(target: LeaseTarget, wait: LeaseWait): Promise<Lease> {
		if (this.#closed !== null) return Promise.reject(this.#closed);
		if ("node" in target) {
			const known = this.endpoints("all").find((node) => formatEndpoint(node) === target.node);
			const pool = this.#nodes.find(target.node) ?? (known && this.#nodes.at(known));
			return pool === undefined
				? Promise.reject(new ClientError("INVALID_ARGUMENT", `${target.node} is not a node of this cluster`))
				: pool.lease({ node: formatEndpoint(pool.endpoint) }, wait);
		}
		if ("ask" in target) {
			const pool = this.#nodes.at(target.ask);
			return pool.lease({ node: formatEndpoint(pool.endpoint) }, wait);
		}
		const pool = this.#primaryOf(target.slot);
		if (pool === undefined) {
			this.#refresh.request();
			return Promise.reject(unserved(target.slot));
		}
		return pool.lease(target, wait);
	}

	/** A leased connection's word, or that of a pool of a node's own. MOVED names who is meant. */
	#misplaced(pool: Pool, error: ClientError, link: Link): void {
		const moved = error.code === "MOVED" ? parseRedirection(error.message) : null;
		const target = moved === null ? null : this.#targetOf(moved, pool.endpoint);
		// It is another node by now, behind the same name: nobody else shall have that connection.
		if (target === pool) pool.retire(link);
		if (moved === null || target === null || target === pool) this.#refresh.request({ doubted: pool });
		else {
			this.#moveSlot(moved.slot, target);
			this.#refresh.request({ preferred: target });
		}
	}

	get closed(): ClientError | null {
		return this.#closed;
	}

	gauges(): Gauges {
		const total = { inFlight: this.#homeless.commands, connections: 0 };
		for (const pool of this.#nodes.all()) {
			const { inFlight, connections } = pool.gauges();
			total.inFlight += inFlight;
			total.connections += connections;
		}
		return total;
	}

	async close(timeoutMs: number): Promise<void> {
		await drained(() => this.#fences.isAwaited || this.#nodes.all().some((pool) => pool.isAwaited), timeoutMs);
		this.destroy();
	}

	destroy(cause?: Error): void {
		const error = new ClientError("CLOSED", "the client is closed", cause === undefined ? {} : { cause });
		this.#closed ??= error;
		this.#refresh.stop();
		this.#nodes.destroy(cause);
		this.#fences.clear(error);
	}

	// ── Carrier: a command came back ──

	refused(attempt: Attempt, error: ClientError, link: Link): void {
		const refusal = classify(error, attempt.subject, link.readOnly);
		const asked = attempt.asking;
		attempt.asking = false;
		if (refusal.kind === "moved" || refusal.kind === "ask") {
			this.#redirect(attempt, refusal, error, link, asked);
			return;
		}
		if (asked) attempt.trail.end();
		switch (refusal.kind) {
			case "down":
			case "demoted":
				this.#refresh.request({ doubted: this.#poolOf(link) });
				this.#later(attempt, error, link);
				return;
			case "later":
				this.#later(attempt, error, link);
				return;
			case "busy":
				this.#later(attempt, error, link, Math.min(BUSY_ATTEMPTS, this.#context.settings.retry.maxAttempts));
				return;
			case "forgotten":
				this.#later(attempt, error, link, Math.min(FORGOTTEN_ATTEMPTS, this.#context.settings.retry.maxAttempts));
				this.#replace(link, forgotten(link.endpoint, error));
				return;
			case "unknown-script":
				this.#sendText(attempt, error, link);
				return;
			case "split":
			case "fail":
				// A script is not sent again, but the next one without keys shall not meet the same node.
				if (error.code === "READONLY") this.#leaveDemoted(attempt, link);
				if (isOutOfDate(error, attempt.subject)) this.#refresh.request({ doubted: this.#poolOf(link) });
				attempt.settle(error);
		}
	}

	/** To the same node, unless its slot has moved meanwhile. */
	#sendText(attempt: Attempt, error: ClientError, link: Link): void {
		const { slot, flags } = attempt.subject;
		this.#context.counters.retries += 1;
		const reader = link.readOnly && this.#closed === null ? this.#poolFor(slot, flags) : undefined;
		if (reader === undefined) this.#hold(attempt, error, link, false);
		else reader.send(attempt, slot);
	}

	#leaveDemoted(attempt: Attempt, link: Link): void {
		this.#refresh.request({ doubted: this.#poolOf(link) });
		if (attempt.subject.slot === -1) this.#changeAnyPrimary();
	}

	/** Another connection takes the place of this one, and nothing overtakes what it still owes. */
	#replace(link: Link, cause: ClientError): void {
		const pool = this.#nodes.all().find((each) => each.sendsOn(link));
		if (pool === undefined) return;
		// Commands for primaries do not wait for what a replica owes.
		if (!link.readOnly) this.#fences.guardAll(link, pool.budget);
		pool.renew(link, cause);
	}

	lost(attempt: Attempt, cause: ClientError, written: boolean): void {
		if (attempt.asking) attempt.trail.end();
		attempt.asking = false;
		const { maxAttempts } = this.#context.settings.retry;
		if (this.#closed !== null || !mayRepeat(attempt, cause, written, maxAttempts)) {
			attempt.settle(unanswered(attempt, this.#closed ?? cause, written));
			return;
		}
		if (written) this.#context.counters.retries += 1;
		this.#fences.resend(attempt);
	}

	#redirect(attempt: Attempt, refusal: Extract<Refusal, { host: string }>, error: ClientError, link: Link, asked: boolean): void {
		const { cluster, teller } = this.#context.settings;
		const tooOften = attempt.trail.add(attempt.node, refusal.slot, cluster.maxRedirections, error);
		if (tooOften !== null) {
			attempt.settle(tooOften);
			return;
		}
		const origin = this.#poolOf(link);
		const target = this.#targetOf(refusal, link.endpoint);
		const word = refusal.kind === "moved" ? "MOVED" : "ASK";
		teller.redirection(word, refusal.slot, link.endpoint, target?.endpoint ?? null);
		if (target === null) {
			this.#refresh.request({ doubted: origin });
			this.#later(attempt, error, link);
			return;
		}
		this.#context.counters.redirections += 1;
		const pause = attempt.trail.pauses(refusal.kind, asked, target === origin);
		if (refusal.kind === "moved") this.#followMoved(attempt, refusal.slot, target, error, link, pause);
		else if (pause || this.#fences.holds(attempt)) this.#hold(attempt, error, link, pause);
		else {
			attempt.asking = true;
			target.send(attempt, refusal.slot);
		}
	}

	#followMoved(attempt: Attempt, slot: number, target: Pool, error: ClientError, link: Link, pause: boolean): void {
		const origin = this.#poolOf(link);
		// A node that names itself is another one by now, behind the same name; so are all its connections.
		const itself = target === origin;
		if (itself) this.#refresh.request({ doubted: origin });
		else {
			this.#moveSlot(slot, target);
			this.#refresh.request({ preferred: target });
		}
		this.#hold(attempt, error, link, pause);
		if (!itself) return;
		this.#fences.guardAll(link, origin.budget);
		origin.renew(link, new ClientError("CONNECTION", `${attempt.node} redirected to itself`, { cause: error }));
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

	#later(attempt: Attempt, error: ClientError, link: Link, limit = this.#context.settings.retry.maxAttempts): void {
		if (link.readOnly) {
			// What a replica cannot answer now, its primary may.
			this.#context.counters.retries += 1;
			this.#fences.resend(attempt);
			return;
		}
		if (attempt.subject.slot === -1) this.#changeAnyPrimary();
		if (this.#hold(attempt, error, link, true, limit)) this.#context.counters.retries += 1;
	}

	/** @param limit of attempts; redirections have one of their own */
	#hold(attempt: Attempt, error: ClientError, link: Link | null, pause: boolean, limit = Number.POSITIVE_INFINITY): boolean {
		if (this.#closed !== null) {
			attempt.settle(this.#closed);
			return false;
		}
		const budget = (link === null ? undefined : this.#poolOf(link))?.budget ?? this.#homeless;
		// Commands for primaries do not wait for what a replica owes.
		return this.#fences.hold(attempt, { error, link: link?.readOnly ? null : link, budget, pause, maxAttempts: limit });
	}

	#poolOf(link: Link): Pool | undefined {
		return this.#nodes.find(formatEndpoint(link.endpoint));
	}

	// ── slots ──

	#primaryOf(slot: number): Pool | undefined {
		return slot === -1 ? this.#anyPrimary : this.#map.get(slot)?.primary;
	}

	/** Sends a command that came back: to the primary of its slot, whoever it was sent to before. */
	#route(attempt: Attempt): void {
		const { slot } = attempt.subject;
		// Nobody is known to serve the slot: once a refresh brought nothing, any primary may know better.
		const refreshed = attempt.unservedAt !== -1 && this.#refresh.finished > attempt.unservedAt;
		const pool = this.#primaryOf(slot) ?? (refreshed ? this.#anyPrimary : undefined);
		if (pool !== undefined) pool.send(attempt, slot);
		else {
			if (attempt.unservedAt === -1) attempt.unservedAt = this.#refresh.finished;
			this.#refresh.request();
			attempt.error ??= unserved(slot);
			// To wait for a refresh is no attempt.
			if (this.#hold(attempt, unserved(slot), null, true)) this.#context.counters.retries += 1;
		}
	}

	#overload(request: Request): ClientError | null {
		if (request.mayWait) return null;
		const { slot, flags } = request.command(0);
		const held = this.#fences.size === 0 ? null : this.#fences.budgetOf(slot);
		if (held !== null && !held.admits(request.command(0).bytes)) return held.error();
		return this.#poolFor(slot, flags)?.budget.overload(request) ?? null;
	}

	#sharesLane(entry: Entry, lane: Lane): boolean {
		for (let i = 1; i < entry.size; i++) {
			const { slot, flags } = entry.command(i);
			if (this.lane(slot, flags) !== lane) return false;
		}
		return true;
	}

	#moveSlot(slot: number, primary: Pool): void {
		this.#moved.set(slot, primary);
		if (this.#map.get(slot)?.primary !== primary) this.#movedSince += 1;
		assignSlot(this.#map, slot, primary);
		this.#homesChanged?.();
	}

	#agrees(view: readonly ShardView[]): boolean {
		let slots = 0;
		for (const { primary, ranges } of view) {
			const pool = this.#nodes.known(primary);
			for (const [start, end] of ranges) {
				for (let slot = start; slot <= end; slot++) if (this.#map.get(slot)?.primary !== pool) return false;
				slots += end - start + 1;
			}
		}
		return slots === this.#map.assigned;
	}

	#adopt(view: readonly ShardView[]): void {
		const map = new SlotMap<Shard>();
		for (const { primary, replicas, ranges } of view) {
			const shard = this.#shard(
				this.#nodes.of(primary),
				replicas.map((node) => this.#nodes.translate(node.endpoint)),
			);
			for (const [start, end] of ranges) map.assign(start, end, shard);
		}
		for (const [slot, primary] of this.#moved) assignSlot(map, slot, primary);
		this.#nodes.identify(view.flatMap(({ primary, replicas }) => [primary, ...replicas]));
		const before = this.#map;
		this.#map = map;
		const { shards } = map;
		this.#anyPrimary = shards[Math.floor(Math.random() * shards.length)]?.primary;
		const moved = this.#leaveOldOwners(before, map);
		this.#homesChanged?.();
		const current = shards.flatMap((shard) => [shard.primary, ...shard.readers]);
		this.#nodes.keep(new Set([...current, ...this.#seedsAmong(shards, before)]));
		for (const pool of current) pool.warm();
		const slotsMoved = moved + this.#movedSince;
		this.#movedSince = 0;
		this.#context.settings.teller.topology(() => ({
			kind: "adopted",
			primaries: shards.map((shard) => formatEndpoint(shard.primary.endpoint)),
			replicas: shards.flatMap((shard) => shard.replicas.map(formatEndpoint)),
			slotsMoved,
		}));
	}

	/**
	 * Replicas that are connected because they were seeds can be asked for their view. A primary of before is left like any node that goes,
	 * but not while somebody has a connection of it: it is still there, and a subscription does not mind its role.
	 */
	#seedsAmong(shards: readonly Shard[], before: SlotMap<Shard>): Pool[] {
		for (const { primary } of before.shards) this.#demoted.add(primary);
		for (const { primary } of shards) this.#demoted.delete(primary);
		const replicas = shards.flatMap((shard) => shard.replicas.map((node) => this.#nodes.find(formatEndpoint(node))));
		return replicas.filter((pool) => pool !== undefined && (!this.#demoted.has(pool) || pool.isLeased)) as Pool[];
	}

	#shard(primary: Pool, replicas: Endpoint[]): Shard {
		return { primary, replicas, readers: this.#readsReplicas ? replicas.map((node) => this.#nodes.reader(node)) : [] };
	}

	/**
	 * Commands on their way to nodes that lost slots: none of them may be overtaken, and none may wait for a node that is gone.
	 * @returns how many slots have another primary
	 */
	#leaveOldOwners(before: SlotMap<Shard>, now: SlotMap<Shard>): number {
		const primaries = new Set(now.shards.map((shard) => shard.primary));
		const moved: number[] = [];
		for (let slot = 0; slot < SLOT_COUNT; slot++) {
			const owner = before.get(slot)?.primary;
			if (owner !== undefined && owner !== now.get(slot)?.primary) moved.push(slot);
		}
		for (const pool of this.#nodes.all()) {
			if (pool.isReader) continue;
			const where = formatEndpoint(pool.endpoint);
			if (!primaries.has(pool))
				pool.dropSuspects(new ClientError("CONNECTION", `${where} is silent and serves no slots any more`));
		}
		for (const pool of new Set(moved.map((slot) => before.get(slot)?.primary as Pool))) {
			for (const connection of pool.live()) {
				const owed = new Set(connection.owedSlots());
				for (const slot of moved) if (owed.has(slot)) this.#fences.guard(slot, connection, pool.budget);
			}
			pool.unqueue(new ClientError("CONNECTION", `${formatEndpoint(pool.endpoint)} serves some of its slots no more`));
			pool.leaveBlocked(new Set(moved));
		}
		return moved.length;
	}

	/** Commands without keys go to another primary, if one is connected. */
	#changeAnyPrimary(): void {
		const primaries = this.#map.shards.map((shard) => shard.primary);
		this.#anyPrimary = primaries.find((pool) => pool !== this.#anyPrimary && pool.isReady) ?? this.#anyPrimary;
	}

	// ── where subscriptions live ──

	get homes(): Homes {
		return {
			homeOf: (slot, avoid) => {
				const pool = slot === -1 ? this.#anyHome(avoid) : this.#map.get(slot)?.primary;
				if (pool === undefined) this.#refresh.request();
				return pool?.home;
			},
			isHome: (home) => this.#map.shards.some(({ primary }) => primary.home === home),
			refused: (slot, error, home) => this.#homeRefused(slot, error, home),
			watchHomes: (changed) => {
				this.#homesChanged = changed;
			},
		};
	}

	#anyHome(avoid: Home | null): Pool | undefined {
		const primaries = this.#map.shards.map((shard) => shard.primary);
		const others = primaries.filter((pool) => pool.home !== avoid);
		const ready = others.filter((pool) => pool.isReady && !pool.isSuspected);
		const pools = [ready, others, primaries].find(({ length }) => length > 0) ?? [];
		return pools[Math.floor(Math.random() * pools.length)];
	}

	#homeRefused(slot: number, error: ClientError, home: Home): void {
		const origin = this.#nodes.find(formatEndpoint(home.endpoint));
		const redirection = error.code === "MOVED" ? parseRedirection(error.message) : null;
		const target = redirection === null ? null : this.#targetOf(redirection, home.endpoint);
		if (target === null || target === origin) this.#refresh.request({ doubted: origin });
		else {
			this.#moveSlot(slot, target);
			this.#refresh.request({ preferred: target });
		}
	}

	#nodeLost(pool: Pool): void {
		if (this.#map.shards.some((shard) => shard.primary === pool)) this.#refresh.request({ doubted: pool });
	}
}

function assignSlot(map: SlotMap<Shard>, slot: number, primary: Pool): void {
	const shard = map.shards.find((known) => known.primary === primary) ?? { primary, replicas: [], readers: [] };
	map.assign(slot, slot, shard);
}

function unserved(slot: number): ClientError {
	return new ClientError("CLUSTER", slot === -1 ? "no primary is known" : `slot ${slot} is served by no node that is known`);
}

/** A script reached for a key of another node: the server says so in words alone. */
function isOutOfDate({ message }: ClientError, { flags }: Command): boolean {
	return (flags & CommandFlag.script) !== 0 && message.includes("access a non local key");
}
