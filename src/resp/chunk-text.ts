import { isAscii } from "node:buffer";
import { type RawBuffer, utf8Text } from "./bytes.js";

const Ascii = { unknown: 0, no: 1, yes: 2 } as const;
type Ascii = (typeof Ascii)[keyof typeof Ascii];
/** In a smaller chunk the question costs more than it saves. */
const MIN_CHUNK_BYTES = 1024;

/**
 * Reads UTF-8 out of a chunk. Most chunks are ASCII throughout; asked once for a whole chunk, that costs a hundredth of decoding it, and
 * bytes known to be ASCII become a string up to twice as fast.
 */
export class ChunkText {
	#ascii: Ascii = Ascii.unknown;

	/** The bytes given from now on are another chunk's. */
	nextChunk(): void {
		this.#ascii = Ascii.unknown;
	}

	read(chunk: RawBuffer, start: number, stop: number): string {
		if (this.#ascii === Ascii.unknown) this.#ascii = chunk.length >= MIN_CHUNK_BYTES && isAscii(chunk) ? Ascii.yes : Ascii.no;
		return this.#ascii === Ascii.yes ? chunk.latin1Slice(start, stop) : utf8Text(chunk, start, stop);
	}
}
