/** A smaller input that fails in the same way: parts are taken out, ever smaller ones, as long as it still does. */

/** A failing input may be slow. */
const MAX_MS = 2000;

export function shrink(input: Buffer, fails: (candidate: Buffer) => boolean): Buffer {
	let smallest = input;
	const end = performance.now() + MAX_MS;
	for (let size = Math.ceil(input.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
		for (let at = 0; at < smallest.length && performance.now() < end; ) {
			const candidate = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]);
			if (candidate.length > 0 && fails(candidate)) smallest = candidate;
			else at += size;
		}
	}
	return smallest;
}
