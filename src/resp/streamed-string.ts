import { ProtocolError } from "../errors.js";
import { exceedsString, tooLongForString } from "./bulk-reader.js";
import { allocate, type RawBuffer, utf8Text } from "./bytes.js";
import type { Reply } from "./reply.js";

/** Puts the parts of a streamed string (`$?`, `;n` …, `;0`) together. A part may end inside a character, so text is made of the whole. */
export class StreamedString {
	readonly #maxBytes: number;
	#memory: RawBuffer = allocate(0);
	#length = 0;
	#announced = 0;

	constructor(maxBytes: number) {
		this.#maxBytes = maxBytes;
	}

	/** @throws ProtocolError when the parts announced so far exceed what one bulk string may have */
	reserve(bytes: number): void {
		this.#announced += bytes;
		if (this.#announced > this.#maxBytes)
			throw new ProtocolError(`a streamed string is longer than the ${this.#maxBytes} bytes allowed`);
	}

	append(part: Buffer): void {
		const needed = this.#length + part.length;
		if (needed > this.#memory.length) {
			const larger = allocate(Math.min(this.#maxBytes, Math.max(needed, 2 * this.#memory.length)));
			this.#memory.copy(larger, 0, 0, this.#length);
			this.#memory = larger;
		}
		part.copy(this.#memory, this.#length);
		this.#length = needed;
	}

	take(asText: boolean): Reply {
		if (!asText) return this.#memory.subarray(0, this.#length);
		return exceedsString(this.#length) ? tooLongForString(this.#length) : utf8Text(this.#memory, 0, this.#length);
	}
}
