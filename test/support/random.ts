/** Reproducible randomness: the same seed gives the same numbers. */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

export class Random {
	readonly #generator: ReturnType<typeof xoroshiro128plus>;

	constructor(seed: number) {
		this.#generator = xoroshiro128plus(seed);
	}

	/** 0 to `count` - 1. */
	below(count: number): number {
		return uniformInt(this.#generator, 0, count - 1);
	}

	/** From `low` to `high`, both included. */
	between(low: number, high: number): number {
		return uniformInt(this.#generator, low, high);
	}

	pick<T>(items: readonly T[]): T {
		return items[this.below(items.length)] as T;
	}

	shuffled<T>(items: readonly T[]): T[] {
		const rest = [...items];
		return items.map(() => rest.splice(this.below(rest.length), 1)[0] as T);
	}
}
