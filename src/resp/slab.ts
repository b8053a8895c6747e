/** Small Buffers are cut from shared slabs: one allocation serves hundreds, and none keeps a 64 KiB read chunk alive. */
import { allocate, type RawBuffer, viewOf } from "./bytes.js";

/** From here on a value owns its memory. */
export const SMALL_VALUE_BYTES = 4096;
const MAX_SLAB_BYTES = 64 * 1024;
const MAX_WINDOW_BYTES = 8 * 1024;

let slab: RawBuffer = allocate(0);
let used = 0;

/** Makes room for `size` bytes (at most 64 KiB) in the current slab; they start at the returned offset. */
function reserve(size: number): number {
	if (slab.length - used < size) {
		// Starts small: a process that receives a few short Buffers does not pay for 64 KiB.
		slab = allocate(Math.max(size, Math.min(MAX_SLAB_BYTES, Math.max(8 * 1024, slab.length * 2))));
		used = 0;
	}
	const offset = used;
	used = offset + size;
	return offset;
}

/** A copy of `bytes` (under 64 KiB) that shares its memory with other small copies. */
export function copyOfSmall(bytes: Uint8Array): Buffer {
	const offset = reserve(bytes.byteLength);
	slab.set(bytes, offset);
	return viewOf(slab.buffer, offset, bytes.byteLength);
}

/** Memory for a small value whose bytes are still arriving. */
export function smallMemory(size: number): RawBuffer {
	const offset = reserve(size);
	return viewOf(slab.buffer, offset, size);
}

/** Values from here on own their memory even where they were read in place. */
export const IN_PLACE_BYTES = 16 * 1024;
/** Below this a read slab is not worth a read. */
const MIN_READ_BYTES = 16 * 1024;
/** Under a stream of small Buffers, half as many reads, and half as many values that are cut by their ends (bench: MGET, a tenth to a fifth of the CPU). */
const STREAM_SLAB_BYTES = 128 * 1024;

/**
 * Memory that a socket reads into and small Buffers are cut from in place, so that nothing is copied.
 *
 * It pays while most of what is read is handed out as Buffers; otherwise a value would keep memory alive that was line headers, or text long
 * decoded. So it opens only behind a full chunk that was mostly lent, and closes behind one that was not. A slab has 64 KiB, or 128 KiB while
 * more comes than the last one could take.
 */
export class ReadSlab {
	#memory: RawBuffer | null = null;
	#used = 0;
	#open = false;
	#isStream = false;

	/** Learns from what was just decoded: `lent` of its `length` bytes were handed out as small Buffers. */
	observe(length: number, lent: number): void {
		if (length >= MIN_READ_BYTES) this.#open = 2 * lent > length;
		else if (2 * lent <= length) this.#open = false;
		if (this.#open) return;
		this.#memory = null;
		this.#isStream = false;
	}

	/** Where the next read goes; null while the slab is closed. */
	room(): RawBuffer | null {
		if (!this.#open) return null;
		if (this.#memory === null || this.#memory.length - this.#used < MIN_READ_BYTES) {
			this.#memory = allocate(this.#isStream ? STREAM_SLAB_BYTES : MAX_SLAB_BYTES);
			this.#used = 0;
		}
		return this.#memory.subarray(this.#used) as RawBuffer;
	}

	/** The `length` bytes that were read into `room()`. */
	take(length: number): RawBuffer {
		const from = this.#used;
		this.#used = from + length;
		this.#isStream = this.#used === (this.#memory as RawBuffer).length;
		return (this.#memory as RawBuffer).subarray(from, this.#used) as RawBuffer;
	}
}

/**
 * Lends copies of parts of a read chunk.
 *
 * A call that copies costs as much as copying a few hundred bytes, so a window of the chunk is copied at once and the values in it are cut
 * from that copy. Windows double as long as an eighth of the last one was lent: where small Buffers are rare between other replies, they
 * do not keep the bytes around them.
 */
export class Lender {
	#memory: ArrayBufferLike = slab.buffer;
	/** The window, in positions of the chunk, and what must be added to them to get positions in `#memory`. */
	#from = 0;
	#to = 0;
	#shift = 0;
	/** Bytes lent from the last window, and its size. */
	#lent = 0;
	#window = 0;

	/** The bytes given from now on are another chunk's. */
	nextChunk(): void {
		this.#from = 0;
		this.#to = 0;
	}

	/** A Buffer equal to `chunk[start, end)`; parts of one chunk are asked for in ascending order. */
	lend(chunk: RawBuffer, start: number, end: number, chunkEnd: number): Buffer {
		const size = end - start;
		if (size >= SMALL_VALUE_BYTES) {
			const own = allocate(size);
			chunk.copy(own, 0, start, end);
			return own;
		}
		if (end > this.#to || start < this.#from) this.#openWindow(chunk, start, size, chunkEnd);
		this.#lent += size;
		const shift = this.#shift;
		return viewOf(this.#memory, start + shift, size);
	}

	#openWindow(chunk: RawBuffer, start: number, size: number, chunkEnd: number): void {
		const wanted = this.#lent * 8 >= this.#window ? Math.min(2 * this.#window, MAX_WINDOW_BYTES) : 0;
		this.#window = Math.max(size, wanted);
		const window = Math.min(this.#window, chunkEnd - start);
		const offset = reserve(window);
		this.#memory = slab.buffer;
		this.#from = start;
		this.#to = start + window;
		this.#shift = offset - start;
		this.#lent = 0;
		chunk.copy(slab, offset, start, start + window);
	}
}
