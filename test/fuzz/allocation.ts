/**
 * What decoding one input may allocate, by its length `n`:
 *
 * | memory | bound |
 * |---|---|
 * | outside of V8's heap, the largest piece | 16 MiB: a bulk string on the word of its header; or 4 n |
 * | outside of V8's heap, all the rest | 256 KiB + 32 n |
 * | V8's heap | 4 MiB (1024 open aggregates have room for 256 elements each) + 128 n |
 *
 * The first two are exact: the codec gets all of its memory by way of `Buffer.allocUnsafeSlow`, which is counted here. The heap is what V8 says
 * before and after: too little where it collected garbage in between, never too much.
 */
import { getHeapStatistics } from "node:v8";
import { Broken } from "./broken.js";

const MIB = 1024 * 1024;
const TRUSTED_BYTES = 16 * MIB;

const counted = { largest: 0, total: 0 };
const allocate = Buffer.allocUnsafeSlow;
/** Stands in for memory that no input is long enough to fill: to map and unmap 16 MiB takes longer than all the rest. */
const unfillable = allocate.call(Buffer, TRUSTED_BYTES);

/** From here on what is allocated is counted, until the function that comes back is called. */
export function countAllocations(): () => void {
	Buffer.allocUnsafeSlow = (size) => {
		counted.total += size;
		counted.largest = Math.max(counted.largest, size);
		return size > MIB && size <= TRUSTED_BYTES ? unfillable.subarray(0, size) : allocate.call(Buffer, size);
	};
	return () => {
		Buffer.allocUnsafeSlow = allocate;
	};
}

/** The most that one input took beyond its own bytes, since the start. */
export const peak = { external: 0, heap: 0 };

/** @throws Broken when `decode` allocates more than `inputBytes` allow */
export function bounded<T>(inputBytes: number, decode: () => T): T {
	counted.largest = 0;
	counted.total = 0;
	const before = getHeapStatistics().used_heap_size;
	const result = decode();
	const heap = getHeapStatistics().used_heap_size - before;
	const { largest, total } = counted;
	if (total > peak.external) peak.external = total;
	if (heap > peak.heap) peak.heap = heap;
	check("the largest piece of memory", largest, Math.max(TRUSTED_BYTES, 4 * inputBytes), inputBytes);
	check("memory beside the largest piece", total - largest, 256 * 1024 + 32 * inputBytes, inputBytes);
	check("memory in the heap", heap, 4 * MIB + 128 * inputBytes, inputBytes);
	return result;
}

function check(what: string, bytes: number, allowed: number, inputBytes: number): void {
	if (bytes > allowed) throw new Broken(`${what}: ${bytes} bytes for an input of ${inputBytes}, ${allowed} are allowed`);
}
