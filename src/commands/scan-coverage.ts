/**
 * Which slots of a cluster a scan has read. Pure.
 *
 * A slot is read once a node was scanned from end to end and had all its keys throughout: every key that was there all the time was returned
 * then, whatever becomes of the slot later. So what a scan has to hold on to is no node but slots:
 *
 *     node, before its pass          the same node, after it            the slot
 *     serves it, epoch 7             serves it, epoch 7                 is read
 *     serves it, epoch 7             serves it not                      is to be read where it is now
 *     serves it, epoch 7             serves it, epoch 8                 may have been away and back: is to be read again
 *     serves it                      serves it, on its way to another   is half read: keys leave one by one, and only for that node; read
 *                                                                       once that node was scanned from now on, the slot still on its way
 *
 * A node that takes a slot takes an epoch above all others unless it has that already, so one that gave a slot away and got it back has
 * another one than before.
 * @see https://valkey.io/topics/cluster-spec/
 */
import type { SlotRange } from "../dispatcher.js";
import { ClientError } from "../errors.js";
import type { Reply } from "../resp/reply.js";
import { SLOT_COUNT } from "../slot.js";
import type { ClusterPosition } from "./scan-token.js";

/** A node in its own words, and all slots that it knows to be served by anybody. */
export interface Look {
	readonly id: string;
	readonly isPrimary: boolean;
	readonly epoch: number;
	readonly slots: readonly SlotRange[];
	/** Its slots on their way to another node. */
	readonly leaving: ReadonlyMap<number, string>;
	readonly served: readonly SlotRange[];
	/** Every node it knows. */
	readonly known: readonly string[];
}

/**
 * Reads CLUSTER NODES: `id address flags primary ping pong epoch link slot…`, where a slot is `0-99`, `100`, or of the node itself
 * `[7->-id]` on its way to another one and `[7-<-id]` from it.
 * @throws PROTOCOL when it is none, or does not say who answered
 * @see https://valkey.io/commands/cluster-nodes/
 */
export function readNodes(reply: Reply): Look {
	const served: SlotRange[] = [];
	const known: string[] = [];
	let self: Look | null = null;
	for (const line of typeof reply === "string" ? reply.split("\n") : []) {
		const [id, , flags, , , , epoch, link, ...words] = line.trim().split(" ");
		if (id === undefined || id === "") continue;
		if (flags === undefined || link === undefined) throw malformed();
		const slots = words.filter((word) => !word.startsWith("[")).map(rangeOf);
		served.push(...slots);
		known.push(id);
		if (!flags.split(",").includes("myself")) continue;
		const isPrimary = flags.split(",").includes("master");
		const open = words.map((word) => /^\[(\d+)->-(\w+)\]$/.exec(word)).filter((match) => match !== null);
		const leaving = new Map(open.map((match) => [Number(match[1]), String(match[2])]));
		self = { id, isPrimary, epoch: Number(epoch), slots, leaving, served, known };
	}
	if (self === null || !Number.isSafeInteger(self.epoch)) throw malformed();
	return self;
}

function rangeOf(word: string): SlotRange {
	const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(word);
	const first = Number(match?.[1]);
	const last = Number(match?.[2] ?? first);
	if (match === null || first > last || last >= SLOT_COUNT) throw malformed();
	return [first, last];
}

function malformed(): ClientError {
	return new ClientError("PROTOCOL", "the reply to CLUSTER NODES is not of its shape");
}

/** A node as it was when its pass began. */
export interface Before {
	readonly id: string;
	readonly epoch: number;
	readonly slots: readonly SlotRange[];
	/** Slots half read by then whose other half it has. */
	readonly halves: readonly number[];
}

/** Where the keys of a slot are going that the source's scan did not find. */
interface Half {
	readonly target: string;
	readonly source: string;
	/** The source's, when it was scanned. */
	readonly epoch: number;
}

export class Coverage {
	readonly #read = new Uint8Array(SLOT_COUNT);
	readonly #half: Map<number, Half>;

	constructor({ read, halfRead }: Pick<ClusterPosition, "read" | "halfRead">) {
		for (const [first, last] of read) this.#read.fill(1, first, last + 1);
		this.#half = new Map(halfRead.map(([slot, target, source, epoch]) => [slot, { target, source, epoch }]));
	}

	get read(): SlotRange[] {
		return rangesOf((slot) => this.#read[slot] === 1);
	}

	get halfRead(): ClusterPosition["halfRead"] {
		return [...this.#half].map(([slot, { target, source, epoch }]) => [slot, target, source, epoch] as const);
	}

	has(slot: number): boolean {
		return this.#read[slot] === 1;
	}

	/** Whether some of the slots are read. */
	touches(slots: readonly SlotRange[]): boolean {
		return !everySlot(slots, (slot) => this.#read[slot] === 0);
	}

	/** Slots that are read, the half ones as well: it grows with every step forward. */
	get progress(): number {
		return this.#read.reduce((sum, read) => sum + 2 * read, this.#half.size);
	}

	/** Whether all slots are read that anybody serves; where nobody says so, nothing is known. */
	isComplete(served: readonly SlotRange[]): boolean {
		return served.length > 0 && everySlot(served, (slot) => this.#read[slot] === 1);
	}

	/** The nodes to scan now: those of slots that are not read, and of the other halves; those that slots are on their way to come last. */
	due(looks: readonly Look[]): Look[] {
		const primaries = looks.filter((look) => look.isPrimary);
		const ids = new Set(primaries.map(({ id }) => id));
		// Its other half went with its node.
		for (const [slot, { target }] of this.#half) if (!ids.has(target)) this.#half.delete(slot);
		const targets = new Set<string>();
		for (const { leaving } of primaries) for (const [slot, id] of leaving) if (!this.has(slot)) targets.add(id);
		const halves = new Set([...this.#half.values()].map(({ target }) => target));
		const open = ({ id, slots }: Look): boolean =>
			halves.has(id) || !everySlot(slots, (slot) => this.has(slot) || this.#half.has(slot));
		const due = primaries.filter(open);
		return [...due.filter(({ id }) => !targets.has(id)), ...due.filter(({ id }) => targets.has(id))];
	}

	begin({ id, epoch, slots }: Look): Before {
		return { id, epoch, slots, halves: [...this.#half].filter(([, { target }]) => target === id).map(([slot]) => slot) };
	}

	/**
	 * A node was scanned from end to end.
	 * @param sources the nodes that its halves come from, by now
	 */
	credit(before: Before, after: Look, sources: readonly Look[] = []): void {
		if (after.id !== before.id || !after.isPrimary) return;
		for (const slot of before.halves) this.#creditHalf(slot, before.id, sources);
		if (after.epoch !== before.epoch) return;
		const owned = new Uint8Array(SLOT_COUNT);
		for (const [first, last] of after.slots) owned.fill(1, first, last + 1);
		for (const [first, last] of before.slots) {
			for (let slot = first; slot <= last; slot++) {
				if (this.has(slot) || owned[slot] === 0) continue;
				const target = after.leaving.get(slot);
				if (target === undefined) {
					this.#read[slot] = 1;
					this.#half.delete(slot);
				} else this.#half.set(slot, { target, source: after.id, epoch: after.epoch });
			}
		}
	}

	/** Still on the same way: else it arrived, and is to be read where it is, or its keys may have gone back. */
	#creditHalf(slot: number, id: string, sources: readonly Look[]): void {
		const half = this.#half.get(slot);
		if (half?.target !== id) return;
		this.#half.delete(slot);
		const source = sources.find((look) => look.id === half.source);
		if (source?.isPrimary && source.epoch === half.epoch && source.leaving.get(slot) === id) this.#read[slot] = 1;
	}
}

/** Without a list of them: every node names all slots of the cluster, and a scan asks each of them several times. */
function everySlot(ranges: Iterable<SlotRange>, holds: (slot: number) => boolean): boolean {
	for (const [first, last] of ranges) for (let slot = first; slot <= last; slot++) if (!holds(slot)) return false;
	return true;
}

function rangesOf(has: (slot: number) => boolean): SlotRange[] {
	const ranges: SlotRange[] = [];
	let first = -1;
	for (let slot = 0; slot <= SLOT_COUNT; slot++) {
		const own = slot < SLOT_COUNT && has(slot);
		if (own && first === -1) first = slot;
		if (own || first === -1) continue;
		ranges.push([first, slot - 1]);
		first = -1;
	}
	return ranges;
}
