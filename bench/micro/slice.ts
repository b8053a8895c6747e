import { allocate, viewOf } from "../../src/resp/bytes.js";
import type { Suite } from "./suite.js";

const VALUES = 128;
const BYTES = 512;

/** Values are cut from the memory they were read into: what a cut costs. Kept in an array, as a reply keeps them. */
function cut(view: (slab: ReturnType<typeof allocate>, memory: ArrayBufferLike, from: number) => Buffer): () => void {
	const slab = allocate(VALUES * BYTES);
	const memory = slab.buffer;
	return () => {
		const values: Buffer[] = [];
		for (let i = 0; i < VALUES; i++) values.push(view(slab, memory, i * BYTES));
	};
}

export const sliceSuites: (() => Suite)[] = [
	() => ({
		name: "slice of a slab",
		operations: VALUES,
		cases: [
			{ name: "subarray", run: cut((slab, _, from) => slab.subarray(from, from + BYTES)) },
			{ name: "viewOf", run: cut((_, memory, from) => viewOf(memory, from, BYTES)) },
		],
	}),
];
