/** The queue of what is in flight: entries leave it in the order they came, while its depth stays about the same. */
import Denque from "denque";
import type { Suite } from "./suite.js";

interface Queue {
	push(entry: object): unknown;
	shift(): object | undefined;
}

/** Twice as large when it is full; a slot is cleared as its entry leaves. */
class Ring implements Queue {
	#slots: (object | undefined)[] = new Array(16).fill(undefined);
	#head = 0;
	#length = 0;

	push(entry: object): void {
		if (this.#length === this.#slots.length) this.#grow();
		this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = entry;
		this.#length += 1;
	}

	shift(): object | undefined {
		if (this.#length === 0) return undefined;
		const entry = this.#slots[this.#head];
		this.#slots[this.#head] = undefined;
		this.#head = (this.#head + 1) & (this.#slots.length - 1);
		this.#length -= 1;
		return entry;
	}

	#grow(): void {
		const inOrder = [...this.#slots.slice(this.#head), ...this.#slots.slice(0, this.#head)];
		this.#slots = [...inOrder, ...new Array<undefined>(inOrder.length).fill(undefined)];
		this.#head = 0;
	}
}

const OPERATIONS = 10_000;

function suite(depth: number): () => Suite {
	return () => {
		const entries = Array.from({ length: 256 }, (_, id) => ({ id }));
		const turn = (queue: Queue) => {
			for (let i = 0; i < depth; i++) queue.push(entries[i & 255] as object);
			return (): void => {
				for (let i = 0; i < OPERATIONS; i++) {
					queue.push(entries[i & 255] as object);
					queue.shift();
				}
			};
		};
		return {
			name: `queue ${depth} deep`,
			operations: OPERATIONS,
			cases: [
				{ name: "Array", run: turn([] as object[]) },
				{ name: "Denque", run: turn(new Denque<object>()) },
				{ name: "ring", run: turn(new Ring()) },
			],
		};
	};
}

export const queueSuites: (() => Suite)[] = [suite(1), suite(16), suite(256), suite(10_000)];
