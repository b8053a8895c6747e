/**
 * Reads all keys of a cluster, one primary after the other.
 *
 *     ask all primaries who they are and what they serve ──► scan those that have slots which are not read ──► all read? ──► done
 *          ▲                                                   before and after each: what does it serve?        │ no
 *          └── when that brought nothing: after a refresh of the topology ◀──────────────────────────────────────┘
 *
 * Each primary is asked itself, by CLUSTER NODES: nobody knows earlier what it serves and which slots are on their way. Where that is refused
 * the client's own map has to do.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Core, onAbort, type View } from "../core.js";
import { type Endpoint, formatEndpoint } from "../endpoint.js";
import { ClientError, InvalidOptionError, ReplyError } from "../errors.js";
import { type Reply, ReplyMode } from "../resp/reply.js";
import { keySlot } from "../slot.js";
import { backoffMs } from "../util/backoff.js";
import { type Before, Coverage, type Look, readNodes } from "./scan-coverage.js";
import type { ScanPlan } from "./scan-options.js";
import { BEGINNING, MAX_FUTILE, question, TableWalk } from "./scan-table.js";
import type { ClusterPosition, TablePosition } from "./scan-token.js";

/** Between two looks whether anybody still waits. */
const SLICE_MS = 50;

/** A node, as it was found by one of its addresses. */
interface Found {
	readonly node: Endpoint;
	readonly look: Look;
}

export class ClusterPages {
	readonly #core: Core;
	readonly #view: View;
	readonly #plan: ScanPlan;
	readonly #coverage: Coverage;
	#position: ClusterPosition;
	#finished = false;
	/** The cursor that it began with is of this cluster. */
	#recognized = false;
	/** Slots that any node said are served, since all were asked. */
	#served: Look["served"][] = [];

	constructor(core: Core, view: View, plan: ScanPlan, from: ClusterPosition) {
		this.#core = core;
		this.#view = view;
		this.#plan = plan;
		this.#position = from;
		this.#coverage = new Coverage(from);
	}

	get position(): { cluster: ClusterPosition } {
		return { cluster: this.#position };
	}

	get finished(): boolean {
		return this.#finished;
	}

	async *pages(): AsyncGenerator<Reply[], void, void> {
		for (let futile = 0; !this.#finished; ) {
			const before = this.#coverage.progress;
			this.#served = [];
			const found = await this.#lookAtAll();
			this.#recognize(found);
			for (const { look, node } of this.#due(found)) {
				yield* this.#pass(node, look);
				this.#finished = this.#coverage.isComplete(this.#served.flat());
				if (this.#finished) break;
			}
			this.#finished ||= this.#coverage.isComplete(this.#served.flat());
			if (this.#finished || this.#coverage.progress > before) futile = 0;
			else if (++futile === MAX_FUTILE) {
				throw new ClientError("CLUSTER", `slots moved ${MAX_FUTILE} times while the nodes that had them were scanned`);
			} else await this.#news(futile);
		}
	}

	#due(found: readonly Found[]): Found[] {
		const nodeOf = new Map(found.map(({ look, node }) => [look.id, node]));
		const due = this.#coverage.due(found.map(({ look }) => look));
		// One that was begun is gone on with.
		const begun = this.#position.pass?.id;
		const ordered = [...due.filter(({ id }) => id === begun), ...due.filter(({ id }) => id !== begun)];
		return ordered.map((look) => ({ look, node: nodeOf.get(look.id) as Endpoint }));
	}

	/** Scans one node; nothing is credited when it goes away meanwhile. */
	async *#pass(node: Endpoint, look: Look): AsyncGenerator<Reply[], void, void> {
		for (let futile = 0; ; ) {
			const { before, from } = await this.#begin(node, look);
			if (before === null) return;
			const partial = this.#coverage.touches(before.slots);
			const walk = this.#walk(node, from, partial);
			this.#at(before, walk.position);
			let replaced = false;
			while (!walk.position.done && !replaced) {
				const page = await this.#whileThere(node, () => walk.next());
				if (page === undefined) {
					this.#left();
					return;
				}
				replaced = page === null;
				if (page === null) this.#left();
				else {
					this.#at(before, walk.position);
					const keys = partial ? this.#unread(page) : page;
					if (keys.length > 0) yield keys;
				}
			}
			if (!replaced) {
				const after = await this.#look(node);
				const sources = before.halves.length > 0 ? await this.#lookAtAll() : [];
				const looks = sources.map(({ look }) => look);
				if (after !== undefined) this.#coverage.credit(before, after, looks);
				this.#left();
				return;
			}
			if (++futile === MAX_FUTILE)
				throw new ClientError("CLUSTER", `${formatEndpoint(node)} was replaced ${MAX_FUTILE} times while it was scanned`);
		}
	}

	/** How a node is before it is scanned, and from where on it is; null: it is gone. */
	async #begin(node: Endpoint, look: Look): Promise<{ before: Before | null; from: TablePosition }> {
		const { pass } = this.#position;
		// It took slots since then: whatever was read of it counts for nothing.
		if (pass !== null && pass.id === look.id && pass.epoch === look.epoch) return { before: pass, from: pass };
		const now = await this.#look(node);
		return { before: now?.isPrimary ? this.#coverage.begin(now) : null, from: BEGINNING };
	}

	#walk(node: Endpoint, from: TablePosition, partial: boolean): TableWalk {
		const { head, tail } = this.#plan;
		// The slot of a key is that of its bytes.
		const mode = partial ? ReplyMode.buffer : this.#view.mode;
		return new TableWalk(this.#core, this.#view, { head, tail, slot: -1, node, mode }, from);
	}

	/** A node that was scanned before is scanned again for the slots that it has gained. */
	#unread(page: Reply[]): Reply[] {
		const keys = page.filter((key) => !this.#coverage.has(keySlot(key as Buffer)));
		return this.#view.mode === ReplyMode.buffer ? keys : keys.map(String);
	}

	#at({ id, epoch, slots, halves }: Before, { cursor, origin, done }: TablePosition): void {
		this.#position = { ...this.#position, pass: { id, epoch, slots, halves, cursor, origin, done } };
	}

	#left(): void {
		const { read, halfRead } = this.#coverage;
		this.#position = { ...this.#position, read, halfRead, pass: null };
	}

	#isPrimary({ host, port }: Endpoint): boolean {
		return this.#core.dispatcher.endpoints("primaries").some((node) => node.host === host && node.port === port);
	}

	/** What a node answers; undefined when it is no primary any more, and is not asked or fails for that. */
	async #whileThere<T>(node: Endpoint, ask: () => Promise<T>): Promise<T | undefined> {
		if (!this.#isPrimary(node)) return undefined;
		try {
			return await ask();
		} catch (error) {
			const { code } = error as ClientError;
			if (code !== "CONNECTION" && code !== "TIMEOUT") throw error;
			if (this.#isPrimary(node) && code === "CONNECTION") await this.#refresh();
			if (this.#isPrimary(node) || this.#core.closed !== null) throw error;
			return undefined;
		}
	}

	async #lookAtAll(): Promise<Found[]> {
		const nodes = this.#core.dispatcher.endpoints("primaries");
		const looks = await Promise.all(nodes.map((node) => this.#look(node)));
		return nodes.flatMap((node, i) => {
			const look = looks[i];
			return look === undefined ? [] : [{ node, look }];
		});
	}

	async #look(node: Endpoint): Promise<Look | undefined> {
		const asked = { args: ["CLUSTER", "NODES"], slot: -1, mode: ReplyMode.string, node, internal: true };
		const said = await this.#whileThere(node, () =>
			question(this.#core, this.#view, asked).catch((error: ClientError) => {
				if (error instanceof ReplyError) return null;
				throw error;
			}),
		);
		if (said === undefined) return undefined;
		const look = said === null ? this.#guess(node) : readNodes(said.reply);
		this.#served.push(look.served);
		return look;
	}

	/** A node that may not be asked, as the client's map has it. */
	#guess(node: Endpoint): Look {
		const { dispatcher } = this.#core;
		const nodes = dispatcher.endpoints("primaries");
		return {
			id: formatEndpoint(node),
			isPrimary: true,
			epoch: 0,
			slots: dispatcher.slotsOf(node),
			leaving: new Map(),
			served: nodes.flatMap((each) => dispatcher.slotsOf(each)),
			known: nodes.map(formatEndpoint),
		};
	}

	/** @throws INVALID_OPTION for the cursor of another cluster */
	#recognize(found: readonly Found[]): void {
		const known = new Set(found.flatMap(({ look }) => look.known));
		const { nodes } = this.#position;
		const stranger = nodes.length > 0 && known.size > 0 && !nodes.some((id) => known.has(id));
		if (stranger && !this.#recognized) throw new InvalidOptionError("cursor", "is of another cluster");
		this.#recognized ||= known.size > 0;
		if (found.length > 0) this.#position = { ...this.#position, nodes: found.map(({ look }) => look.id) };
	}

	/** Nothing could be read: views of nodes that disagree take their time, whatever `cluster.minRefreshMs` is. */
	async #news(futile: number): Promise<void> {
		const { baseMs, maxMs } = this.#core.settings.retry;
		const until = performance.now() + backoffMs(futile, baseMs, maxMs);
		await this.#refresh();
		for (let left = until - performance.now(); left > 0 && !this.#isOver; left = until - performance.now()) {
			await sleep(Math.min(left, SLICE_MS));
		}
	}

	/** What is asked next says that the caller aborted, or that the client is closed. */
	get #isOver(): boolean {
		return this.#core.closed !== null || this.#view.signal?.aborted === true;
	}

	/** Learns the topology anew; `cluster.minRefreshMs` holds. */
	async #refresh(): Promise<void> {
		const { signal } = this.#view;
		if (this.#isOver) return;
		let stop = (): void => {};
		const aborted = new Promise<void>((resolve) => {
			if (signal !== undefined) stop = onAbort(signal, resolve);
		});
		await Promise.race([this.#core.dispatcher.refresh(), aborted]);
		stop();
	}
}
