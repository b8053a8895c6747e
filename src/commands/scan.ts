/** Iterators over keys and over the elements of one key: SCAN, HSCAN, SSCAN, ZSCAN. */
import type { Core, View } from "../core.js";
import { ClientError, InvalidOptionError } from "../errors.js";
import { CommandFlag } from "../request.js";
import type { Argument } from "../resp/encode.js";
import type { Reply } from "../resp/reply.js";
import { keySlot } from "../slot.js";
import { checkKey } from "./arguments.js";
import { ClusterPages } from "./scan-cluster.js";
import { planScan, type ScanCommand, type ScanPlan } from "./scan-options.js";
import { BEGINNING, MAX_FUTILE, misshapen, TableWalk } from "./scan-table.js";
import { type ScanPosition, writeToken } from "./scan-token.js";

/** Where pages come from; `position` is behind the last one. */
interface Pages {
	readonly position: ScanPosition;
	readonly finished: boolean;
	pages(): AsyncGenerator<Reply[], void, void>;
}

/**
 * What a scan finds, to be gone through once, by `for await`: one by one, or by the page through {@link pages}. Nothing is sent before the
 * first step, and nothing ahead of the steps that are taken: whoever stops early leaves nothing behind.
 */
export class Scan<Item> implements AsyncIterable<Item> {
	readonly #pages: Pages;
	readonly #plan: ScanPlan;
	readonly #read: (page: Reply[]) => Item[];
	#position: ScanPosition;
	#finished = false;
	#running: AsyncGenerator<Item | Item[], void, void> | null = null;

	/** @internal */
	constructor(pages: Pages, plan: ScanPlan, read: (page: Reply[]) => Item[]) {
		this.#pages = pages;
		this.#plan = plan;
		this.#read = read;
		this.#position = pages.position;
	}

	/**
	 * Where to go on from: `client.scan({ cursor })`, in this process or another one. Text of letters, digits, `-` and `_`, of no fixed length;
	 * it holds what the scan was begun with. Behind the last item that was handed over, or behind the page whose last item that was: the rest
	 * of a page is handed over again. Also when the scan has failed. Once it is {@link finished} there is nothing to go on with.
	 */
	get cursor(): string {
		const { scope, count } = this.#plan;
		return writeToken({ scope, count, position: this.#position });
	}

	/** Everything was handed over. */
	get finished(): boolean {
		return this.#finished;
	}

	/** The same by the page: what each reply held, in arrays that are never empty. */
	pages(): AsyncIterableIterator<Item[]> {
		return this.#begin(() => this.#byPage());
	}

	[Symbol.asyncIterator](): AsyncIterableIterator<Item> {
		return this.#begin(() => this.#byItem());
	}

	/** Ends it; a step that is under way ends first. */
	async return(): Promise<void> {
		this.#running ??= none();
		await this.#running.return();
	}

	#begin<T extends Item | Item[]>(iterate: () => AsyncGenerator<T, void, void>): AsyncGenerator<T, void, void> {
		if (this.#running !== null) return refused();
		const running = iterate();
		this.#running = running;
		return running;
	}

	async *#byPage(): AsyncGenerator<Item[], void, void> {
		for await (const items of this.#each()) {
			this.#position = this.#pages.position;
			yield items;
		}
	}

	async *#byItem(): AsyncGenerator<Item, void, void> {
		for await (const items of this.#each()) {
			for (let i = 0; i < items.length; i++) {
				if (i === items.length - 1) this.#position = this.#pages.position;
				yield items[i] as Item;
			}
		}
	}

	/** The pages; where none is at hand, pages without an item count as handed over. */
	async *#each(): AsyncGenerator<Item[], void, void> {
		let atHand = false;
		try {
			for await (const page of this.#pages.pages()) {
				atHand = true;
				yield this.#read(page);
				atHand = false;
			}
			this.#finished = true;
		} finally {
			if (!atHand) this.#position = this.#pages.position;
		}
	}
}

async function* none(): AsyncGenerator<never, void, void> {}

// biome-ignore lint/correctness/useYield: it fails at once
async function* refused(): AsyncGenerator<never, void, void> {
	throw new ClientError("INVALID_ARGUMENT", "a scan is gone through once; begin another, with its cursor to go on");
}

/** @throws INVALID_OPTION */
export function scanKeys<Text extends string | Buffer>(core: Core, view: View, options: unknown): Scan<Text> {
	const plan = planScan("SCAN", null, options, core.settings.database, view.limits);
	const { from } = plan;
	const wide = core.settings.mode === "cluster" && !view.dedicated;
	if (from !== null && wide !== "cluster" in from)
		throw new InvalidOptionError(
			"cursor",
			wide ? "is of one server, not of a cluster" : "is of a whole cluster, not of one server",
		);
	const begun = from !== null && "cluster" in from ? from.cluster : { read: [], halfRead: [], pass: null, nodes: [] };
	const pages = wide ? new ClusterPages(core, view, plan, begun) : new TablePages(core, view, plan, -1);
	return new Scan(pages, plan, (page) => page as Text[]);
}

/** @throws INVALID_ARGUMENT, INVALID_OPTION */
export function scanElements<Item>(
	core: Core,
	view: View,
	command: Exclude<ScanCommand, "SCAN">,
	key: unknown,
	options: unknown,
): Scan<Item> {
	const checked = checkKey(key, 1, view.limits);
	const plan = planScan(command, checked, options, core.settings.database, view.limits);
	const slot = core.dispatcher.keyGroups === 1 ? -1 : keySlot(checked as Argument);
	const read = command === "SSCAN" || plan.scope.novalues ? plain : command === "HSCAN" ? pairs : scored;
	return new Scan(new TablePages(core, view, plan, slot), plan, (page) => read(page, command) as Item[]);
}

/** Of one hash table, wherever it is. */
class TablePages implements Pages {
	readonly #walk: TableWalk;

	constructor(core: Core, view: View, { from, head, tail }: ScanPlan, slot: number) {
		const flags = head.length > 1 ? CommandFlag.keyed : 0;
		const table = { head, tail, slot, flags, node: null, mode: view.mode };
		this.#walk = new TableWalk(core, view, table, from !== null && "table" in from ? from.table : BEGINNING);
	}

	get position(): ScanPosition {
		return { table: this.#walk.position };
	}

	get finished(): boolean {
		return this.#walk.position.done;
	}

	async *pages(): AsyncGenerator<Reply[], void, void> {
		for (let futile = 0; !this.finished; ) {
			const page = await this.#walk.next();
			if (page === null) {
				if (++futile === MAX_FUTILE)
					throw new ClientError("CONNECTION", `whoever answers the scan was replaced ${MAX_FUTILE} times meanwhile`);
			} else if (page.length > 0) yield page;
		}
	}
}

function plain(page: Reply[]): Reply[] {
	return page;
}

function pairs(page: Reply[], command: string): [Reply, Reply][] {
	if (page.length % 2 !== 0) throw misshapen(command);
	const found: [Reply, Reply][] = [];
	for (let i = 0; i < page.length; i += 2) found.push([page[i] as Reply, page[i + 1] as Reply]);
	return found;
}

function scored(page: Reply[], command: string): [Reply, number][] {
	return pairs(page, command).map(([member, score]) => [member, scoreOf(score, command)]);
}

function scoreOf(score: Reply, command: string): number {
	if (typeof score === "number") return score;
	const text = typeof score === "string" || Buffer.isBuffer(score) ? score.toString() : "";
	const infinite = /^([+-]?)inf(?:inity)?$/i.exec(text);
	if (infinite !== null) return infinite[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
	const value = text === "" ? Number.NaN : Number(text);
	if (Number.isNaN(value)) throw misshapen(command);
	return value;
}
