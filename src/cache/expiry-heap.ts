/** What has an end, and where it stands in the heap; -1 when it does not. */
export interface Expiring {
	readonly expiresAt: number;
	place: number;
}

/** Whatever ends first is on top. Everything knows its place, so that what is deleted before its end leaves nothing behind. */
export class ExpiryHeap<T extends Expiring> {
	readonly #items: T[] = [];

	get first(): T | undefined {
		return this.#items[0];
	}

	add(item: T): void {
		this.#items.push(item);
		this.#rise(item, this.#items.length - 1);
	}

	remove(item: T): void {
		const { place } = item;
		if (place === -1) return;
		item.place = -1;
		const last = this.#items.pop() as T;
		if (last === item) return;
		this.#rise(last, place);
		this.#sink(last, last.place);
	}

	clear(): void {
		this.#items.length = 0;
	}

	#rise(item: T, place: number): void {
		while (place > 0) {
			const above = (place - 1) >> 1;
			const parent = this.#items[above] as T;
			if (parent.expiresAt <= item.expiresAt) break;
			this.#put(parent, place);
			place = above;
		}
		this.#put(item, place);
	}

	#sink(item: T, place: number): void {
		for (;;) {
			const left = 2 * place + 1;
			const right = left + 1;
			let below = this.#items[left];
			if (below === undefined) break;
			const other = this.#items[right];
			if (other !== undefined && other.expiresAt < below.expiresAt) below = other;
			if (below.expiresAt >= item.expiresAt) break;
			const { place: free } = below;
			this.#put(below, place);
			place = free;
		}
		this.#put(item, place);
	}

	#put(item: T, place: number): void {
		this.#items[place] = item;
		item.place = place;
	}
}
