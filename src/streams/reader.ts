/**
 * The reading half of a consumer: what its group has for it, onto the shelf.
 *
 *     connected ──► recovering: what is pending for this consumer, page by page ──► catching up ──► following, claiming now and then
 *         ▲                                                                             │              │
 *         └────────────────────── any error that may pass, after a pause ◄──────────────┴──────────────┘
 *
 * A reply that was lost may have delivered entries: they are pending, and recovering finds them. Until then nothing leaves the shelf either:
 * after a failover the group may have given what lies there to somebody else.
 */
import type { GroupEntry } from "../commands/stream-replies.js";
import { pause } from "../core.js";
import { ClientError } from "../errors.js";
import type { Bell } from "./bell.js";
import { ConsumedEntry } from "./consumed-entry.js";
import type { ConsumerHost } from "./consumer-host.js";
import type { ConsumerSettings } from "./consumer-options.js";
import { Group, lineageOf } from "./group.js";
import { compareIds } from "./ids.js";
import type { Ledger } from "./ledger.js";
import { Shelf } from "./shelf.js";
import { backOff, isTransient } from "./transient.js";

/** One look at everything that is pending for this consumer. */
interface Recovery {
	after: string;
	/** Nobody else can have had what is found and not known. */
	certain: boolean;
	/** Ids on the shelf that the server has not named yet. */
	readonly unconfirmed: Set<string>;
	/** Behind which something was left where it is, because the shelf was full. */
	leftBehind: string | null;
}

type Acknowledge = (id: string) => Promise<number>;

/** For how long commands go the way of ASK before a connection of its own is tried again, and how often they look for entries. */
const DETOUR_MS = 1000;
const DETOUR_PAUSE_MS = 50;

export class Reader<Text extends string | Buffer> {
	readonly #host: ConsumerHost<Text>;
	readonly #settings: ConsumerSettings;
	readonly #group: Group<Text>;
	readonly #ledger: Ledger;
	readonly #bell: Bell;
	readonly #ended: AbortSignal;
	readonly #acknowledge: Acknowledge;
	readonly #shelf = new Shelf<ConsumedEntry<Text>>();
	/** The connection that is read from, as long as there is one. */
	#own: ConsumerHost<Text> | null = null;
	#failures = 0;
	/** Why nothing can be read at the moment. */
	trouble: ClientError | null = null;

	/** Null: everything on the shelf is known to be pending for this consumer. */
	#recovery: Recovery | null = { after: "0", certain: false, unconfirmed: new Set(), leftBehind: null };
	/** The server may have forgotten what it delivered, and to whom: until its backlog is read, nothing of it is certainly new. */
	#catchingUp = false;
	/** The last entry that there was when the doubt arose: later ones are new. Null: not known; undefined: not asked for yet. */
	#oldUpTo: string | null | undefined;
	/** A reply to XCLAIM is, or was, on its way. */
	#claiming = false;
	/** Behind which a search for what others left goes on; null: none is under way. */
	#claimCursor: string | null = null;
	#claimAt = 0;
	/** A page of new entries is next: what others left behind, however much it is, keeps nobody from them. */
	#readsNext = false;
	/** Of the server's history, as its replication names it: another one may lack the last moments of this one. */
	#lineage: string | null | undefined;
	#joined = false;

	constructor(
		host: ConsumerHost<Text>,
		settings: ConsumerSettings,
		ledger: Ledger,
		bell: Bell,
		ended: AbortSignal,
		acknowledge: Acknowledge,
	) {
		this.#host = host.with({ signal: ended });
		this.#settings = settings;
		this.#group = new Group(settings);
		this.#ledger = ledger;
		this.#bell = bell;
		this.#ended = ended;
		this.#acknowledge = acknowledge;
	}

	/** The next entry that may be handed out now, if there is one. */
	take(): ConsumedEntry<Text> | null {
		const first = this.#shelf.first;
		if (first === undefined || this.#recovery?.unconfirmed.has(first.entry.id)) return null;
		// Another consumer may be about to claim it, or a server that knows nothing of it to give it away.
		const now = performance.now();
		const isStale = now - first.since >= this.#staleMs;
		if (this.#own?.stats().connections === 0 || (isStale && now - first.told >= this.#staleMs)) {
			this.#recover(this.#recovery?.certain ?? true);
			return null;
		}
		// The answer takes longer than an entry is safe for: no other one will be better.
		if (isStale) first.entry.markRedelivered();
		this.#bell.ring();
		return this.#shelf.take() as ConsumedEntry<Text>;
	}

	/** What nobody took, and nobody else can have by now. */
	get left(): string[] {
		const unconfirmed = this.#recovery?.unconfirmed ?? new Set();
		return this.#shelf.ids(performance.now() - this.#staleMs).filter((id) => !unconfirmed.has(id));
	}

	/** Resolves when it was ended. @throws what does not pass */
	async run(): Promise<void> {
		while (!this.#ended.aborted) {
			try {
				await this.#session();
			} catch (error) {
				if (this.#ended.aborted) return;
				if (!isTransient(error)) throw error;
				this.trouble = error;
				this.#recover(!this.#claiming && (this.#recovery?.certain ?? true));
				this.#own = null;
				if (error.code === "ASK") await this.#detour();
				else await backOff(this.#failures++, this.#ended);
			}
		}
	}

	/** Reads on a connection of its own, until something goes wrong. */
	async #session(): Promise<void> {
		await this.#host.withConnection({ key: this.#settings.key }, async (own) => {
			this.#own = own;
			try {
				await this.#arrive(own);
				while (!this.#ended.aborted) {
					if (await this.#hasRoom()) await this.#step(own, true);
				}
			} catch (error) {
				// The connection ended between two commands. That the client did is learned from the next one that is asked for.
				const lost = error instanceof ClientError && error.code === "CLOSED";
				throw lost ? new ClientError("CONNECTION", "the consumer's connection was lost", { cause: error }) : error;
			}
		});
	}

	/** While a slot moves, entries of a stream that went ahead are reached behind ASK only, which a leased connection does not follow. */
	async #detour(): Promise<void> {
		this.#doubt();
		const until = performance.now() + DETOUR_MS;
		try {
			while (!this.#ended.aborted && performance.now() < until) {
				const before = this.#shelf.size;
				if (this.#isFull) await pause(DETOUR_PAUSE_MS, this.#ended);
				else await this.#step(this.#host, false);
				if (this.#shelf.size <= before && this.#recovery === null) await pause(DETOUR_PAUSE_MS, this.#ended);
			}
		} catch (error) {
			if (!isTransient(error)) throw error;
			this.#recover(false);
			await backOff(this.#failures++, this.#ended);
		}
	}

	/** Who is this? Unless it is who was asked before, it may know less than that one did. */
	async #arrive(own: ConsumerHost<Text>): Promise<void> {
		const lineage = await lineageOf(own);
		if (this.#joined && (lineage === null || lineage !== this.#lineage)) this.#doubt();
		this.#lineage = lineage;
		await this.#group.notePlace(own);
	}

	#doubt(): void {
		if (this.#recovery !== null) this.#recovery.certain = false;
		this.#catchingUp = true;
		this.#oldUpTo = undefined;
	}

	async #hasRoom(): Promise<boolean> {
		if (!this.#isFull) return true;
		await this.#bell.wait();
		return false;
	}

	/** Until half of the shelf is empty: who takes one at a time is not read for one at a time. */
	get #isFull(): boolean {
		return !this.#isConfirming && (this.#room <= 0 || this.#shelf.size > this.#settings.count / 2);
	}

	/** What lies on the shelf and has to be confirmed waits for no room. */
	get #isConfirming(): boolean {
		return this.#recovery !== null && this.#recovery.unconfirmed.size > 0;
	}

	/** How many entries may still come. */
	get #room(): number {
		return Math.min(this.#settings.count - this.#shelf.size, this.#settings.maxUnacked - this.#ledger.size);
	}

	async #step(via: ConsumerHost<Text>, mayBlock: boolean): Promise<void> {
		try {
			if (this.#recovery !== null) await this.#recoverPage(via, this.#recovery);
			else if (this.#isClaimDue) await this.#claimPage(via);
			else await this.#readNew(via, mayBlock);
		} catch (error) {
			if (!(error instanceof ClientError) || error.code !== "NOGROUP" || this.#settings.createGroup === null) throw error;
			await this.#createGroup(via, this.#settings.createGroup);
			return;
		}
		this.#joined = true;
		this.#failures = 0;
		this.trouble = null;
	}

	// ── recovering ──

	#recover(certain: boolean): void {
		this.#recovery = { after: "0", certain, unconfirmed: new Set(this.#shelf.ids()), leftBehind: null };
		this.#bell.ring();
	}

	async #recoverPage(via: ConsumerHost<Text>, recovery: Recovery): Promise<void> {
		const count = this.#isConfirming ? this.#settings.count : this.#room;
		const asked = performance.now();
		const entries = await this.#group.read(via, recovery.after, { count });
		const unknown = entries.filter(({ id, fields }) => fields !== null && !this.#ledger.knows(id));
		const deliveries = await this.#group.deliveriesOf(via, unknown, entries.length + this.#ledger.size);
		const named = new Set(entries.map(({ id }) => id));
		this.#shelf.confirm(named, asked);
		for (const id of named) recovery.unconfirmed.delete(id);
		let fitting = recovery.leftBehind === null ? entries : [];
		const tooMany = unknown[Math.max(0, this.#room)];
		if (recovery.leftBehind === null && tooMany !== undefined) {
			fitting = entries.slice(0, entries.indexOf(tooMany));
			recovery.leftBehind = fitting.at(-1)?.id ?? recovery.after;
		}
		const unsettled = this.#shelve(
			fitting,
			asked,
			() => recovery.certain,
			(id) => ({ claimed: false, deliveries: deliveries.get(id) ?? 2 }),
		);
		recovery.after = entries.at(-1)?.id ?? recovery.after;
		if (entries.length < count) this.#endRecovery(recovery);
		else if (recovery.unconfirmed.size === 0) this.#goBack(recovery);
		this.#bell.ring();
		await this.#group.acknowledge(via, unsettled);
	}

	#endRecovery(recovery: Recovery): void {
		// What the server does not name is not this consumer's, or not any more: somebody else is to have it, or this one anew.
		for (const id of this.#shelf.remove(recovery.unconfirmed)) this.#ledger.drop(id);
		recovery.unconfirmed.clear();
		if (recovery.leftBehind !== null) this.#goBack(recovery);
		else if (this.#recovery === recovery) {
			this.#recovery = null;
			this.#claiming = false;
		}
	}

	#goBack(recovery: Recovery): void {
		recovery.after = recovery.leftBehind ?? recovery.after;
		recovery.leftBehind = null;
	}

	// ── following ──

	async #readNew(via: ConsumerHost<Text>, mayBlock: boolean): Promise<void> {
		const wanted = this.#room;
		this.#readsNext = false;
		if (this.#catchingUp && this.#oldUpTo === undefined) this.#oldUpTo = await this.#group.lastId(via);
		const oldUpTo = this.#oldUpTo ?? null;
		const isNew = (id: string) => !this.#catchingUp || (oldUpTo !== null && compareIds(id, oldUpTo) > 0);
		const asked = performance.now();
		const block = mayBlock && !this.#catchingUp && this.#claimCursor === null ? { block: this.#blockMs(asked) } : {};
		const entries = await this.#group.read(via, ">", { count: wanted, ...block });
		const unsettled = this.#shelve(entries, asked, isNew, () => ({ claimed: false, deliveries: 1 }));
		if (entries.length < wanted || isNew((entries.at(-1) as GroupEntry<Text>).id)) this.#catchingUp = false;
		this.#bell.ring();
		await this.#group.acknowledge(via, unsettled);
	}

	/** No longer than until the next thing to do; 0 is for ever. What comes may be as old as the call is, and must not be stale by then. */
	#blockMs(now: number): number {
		const { blockMs, minIdleMs } = this.#settings;
		const first = this.#shelf.first;
		const until = Math.min(
			blockMs === 0 ? Number.POSITIVE_INFINITY : now + blockMs,
			minIdleMs === 0 ? Number.POSITIVE_INFINITY : this.#claimAt,
			now + this.#staleMs / 2,
			first === undefined ? Number.POSITIVE_INFINITY : first.since + this.#staleMs,
		);
		return until === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.ceil(until - now));
	}

	/** What waited so long on the shelf is confirmed before it is handed out. */
	get #staleMs(): number {
		return this.#settings.minIdleMs === 0 ? Number.POSITIVE_INFINITY : this.#settings.minIdleMs / 2;
	}

	// ── claiming ──

	get #isClaimDue(): boolean {
		return this.#settings.minIdleMs > 0 && !this.#readsNext && performance.now() >= this.#claimAt;
	}

	async #claimPage(via: ConsumerHost<Text>): Promise<void> {
		const { deliveries, cursor } = await this.#group.overdue(via, this.#claimCursor, this.#room);
		const asked = performance.now();
		this.#claiming = deliveries.size > 0;
		const entries = this.#claiming ? await this.#group.claim(via, deliveries.keys()) : [];
		this.#claiming = false;
		this.#claimCursor = cursor;
		this.#readsNext = true;
		if (cursor === null) this.#claimAt = performance.now() + this.#settings.claimIntervalMs;
		const unsettled = this.#shelve(
			entries,
			asked,
			() => false,
			(id) => ({ claimed: true, deliveries: deliveries.get(id) ?? 2 }),
		);
		this.#bell.ring();
		await this.#group.acknowledge(via, unsettled);
	}

	// ── what all three do with what they get ──

	/** Onto the shelf with what nobody here has. The ids of the others that are to be acknowledged: deleted, or acknowledged before. */
	#shelve(
		entries: readonly GroupEntry<Text>[],
		since: number,
		isCertain: (id: string) => boolean,
		how: (id: string) => { claimed: boolean; deliveries: number },
	): string[] {
		const unsettled: string[] = [];
		for (const { id, fields } of entries) {
			const verdict = this.#ledger.given(id, isCertain(id));
			if (verdict === "held") continue;
			if (verdict === "acknowledged") unsettled.push(id);
			else if (fields === null) {
				this.#ledger.drop(id);
				unsettled.push(id);
			} else {
				const redelivered = verdict === "again";
				this.#shelf.put(
					new ConsumedEntry({ key: this.#settings.key, id, fields, redelivered, ...how(id) }, this.#acknowledge),
					since,
				);
			}
		}
		return unsettled;
	}

	// ── the group ──

	/** A group that was lost goes on from where it is known to have been, or from the start of a stream that is another one. */
	async #createGroup(via: ConsumerHost<Text>, { id, mkstream }: NonNullable<ConsumerSettings["createGroup"]>): Promise<void> {
		let from = id;
		if (this.#joined || this.#group.wasSeen) {
			const resumption = await this.#group.resumption(via, this.#ledger.highest);
			if (resumption === null) this.#ledger.forget();
			from = resumption ?? "0";
			this.#doubt();
			// The new group may know nothing of what is here, or give it to others.
			this.#recovery?.unconfirmed.clear();
			this.#shelf.markAll((entry) => entry.markRedelivered());
			this.#bell.ring();
		}
		await this.#group.create(via, from, mkstream);
	}
}
