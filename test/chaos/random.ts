import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** The same seed gives the same numbers, everywhere. */
export class Random {
	readonly #generator;

	constructor(seed: number) {
		this.#generator = xoroshiro128plus(seed);
	}

	/** Both ends included. */
	int(from: number, to: number): number {
		return uniformInt(this.#generator, from, to);
	}

	pick<T>(list: readonly T[]): T {
		return list[this.int(0, list.length - 1)]!;
	}

	shuffled<T>(list: readonly T[]): T[] {
		const rest = [...list];
		return list.map(() => rest.splice(this.int(0, rest.length - 1), 1)[0]!);
	}
}
