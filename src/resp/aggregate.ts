/** An aggregate whose elements are arriving. Those open inside each other are linked, and used again by later replies. */
import { ProtocolError } from "../errors.js";
import { type BulkMode, DROP } from "./bulk-reader.js";
import { type Reply, ReplyMode } from "./reply.js";

export const Kind = { list: 0, push: 1, map: 2, attribute: 3 } as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** In place of a count: the size never comes to it. */
export const UNCOUNTED = -1;
/** Room for so many elements is made on the word of the header, for more as they arrive: the count is only the peer's word. */
const TRUSTED_COUNT = 256;
/** V8's own bound. */
const MAX_MAP_SIZE = 2 ** 24;
/** V8 hashes a bigint by its lowest 64 bits alone: longer ones that agree in these are looked through one by one, and n of them cost n². */
const MAX_LONG_KEYS = 1024;
const NO_KEY = Symbol("no key");

export class Aggregate {
	/** null: it stands for the top level, and holds nothing. */
	readonly outer: Aggregate | null;
	readonly depth: number;
	kind: Kind = Kind.list;
	/** What bulk strings in it become. */
	mode: BulkMode = ReplyMode.string;
	/** The elements: in one of the two, the other is null. */
	#list: Reply[] | null = null;
	#map: Map<Reply, Reply> | null = null;
	/** Elements that were announced, and that have come; those of a map are its keys and its values. */
	#count = 0;
	#size = 0;
	#key: Reply | typeof NO_KEY = NO_KEY;
	/** Keys of the map that 64 bits cannot hold. */
	#longKeys = 0;
	/** The last one that was open in it. */
	#inner: Aggregate | null = null;

	constructor(outer: Aggregate | null) {
		this.outer = outer;
		this.depth = outer === null ? 0 : outer.depth + 1;
	}

	/** Another one as its next element. `count`: of a map, its keys. */
	open(kind: Kind, count: number, mode: BulkMode): Aggregate {
		if (this.#inner === null) this.#inner = new Aggregate(this);
		const inner = this.#inner;
		inner.kind = kind;
		inner.mode = mode;
		inner.#size = 0;
		if (kind === Kind.map || kind === Kind.attribute) {
			inner.#map = new Map();
			inner.#longKeys = 0;
			inner.#count = count === UNCOUNTED ? UNCOUNTED : 2 * count;
		} else {
			inner.#list = new Array<Reply>(count > TRUSTED_COUNT ? TRUSTED_COUNT : count > 0 ? count : 0);
			inner.#count = count;
		}
		return inner;
	}

	/** The next element. True: it was the last. */
	add(value: Reply): boolean {
		const size = this.#size;
		if (this.#list !== null) this.#list[size] = value;
		else this.#addToMap(value);
		this.#size = size + 1;
		return size + 1 === this.#count;
	}

	#addToMap(value: Reply): void {
		if (this.#key === NO_KEY) {
			this.#key = value;
			return;
		}
		const map = this.#map as Map<Reply, Reply>;
		if (map.size === MAX_MAP_SIZE) throw new ProtocolError(`a map has more than ${MAX_MAP_SIZE} entries`);
		if (this.mode !== DROP) {
			if (typeof this.#key === "bigint") this.#checkLongKey(this.#key);
			map.set(this.#key, value);
		}
		this.#key = NO_KEY;
	}

	#checkLongKey(key: bigint): void {
		if (BigInt.asIntN(64, key) === key) return;
		this.#longKeys += 1;
		if (this.#longKeys > MAX_LONG_KEYS) throw new ProtocolError(`a map has more than ${MAX_LONG_KEYS} keys of more than 64 bits`);
	}

	get isCounted(): boolean {
		return this.#count !== UNCOUNTED;
	}

	/** A key came, and its value did not. */
	get hasKey(): boolean {
		return this.#key !== NO_KEY;
	}

	/** Its elements, which it lets go of. */
	take(): Reply[] | Map<Reply, Reply> {
		const elements = this.#list ?? (this.#map as Map<Reply, Reply>);
		this.#list = null;
		this.#map = null;
		return elements;
	}
}
