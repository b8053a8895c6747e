const CR = 0x0d;
const LF = 0x0a;
/** Elements that one item of the header's count stands for. */
const PER_ITEM: Readonly<Record<string, number>> = { "*": 1, "~": 1, ">": 1, "%": 2, "|": 2 };
const BULKS = "$=!";

/** Follows RESP bytes as they pass, however they are cut, and knows where one whole reply or push ends and the next begins. */
export class ReplyBoundaries {
	/** Items still to come, for the frame and for each aggregate open in it. */
	readonly #open: number[] = [];
	#line = "";
	/** Of a bulk's body and its line end. */
	#bytesLeft = 0;

	/** No reply has begun that has not ended. */
	get between(): boolean {
		return this.#open.length === 0 && this.#bytesLeft === 0 && this.#line === "";
	}

	/** Takes the bytes that come next; answers at which of them, first, no reply is open: 0 is before them all, -1 nowhere. */
	pass(bytes: Buffer): number {
		let first = this.between ? 0 : -1;
		for (let at = 0; at < bytes.length; ) {
			if (this.#bytesLeft > 0) {
				const step = Math.min(this.#bytesLeft, bytes.length - at);
				this.#bytesLeft -= step;
				at += step;
				if (this.#bytesLeft === 0) this.#itemEnds();
			} else {
				const byte = bytes[at++]!;
				if (byte === LF) this.#header();
				else if (byte !== CR) this.#line += String.fromCharCode(byte);
			}
			if (first < 0 && this.between) first = at;
		}
		return first;
	}

	#header(): void {
		const type = this.#line[0]!;
		const count = Number(this.#line.slice(1));
		this.#line = "";
		if (this.#open.length === 0) this.#open.push(1);
		const perItem = PER_ITEM[type];
		if (BULKS.includes(type) && count >= 0) this.#bytesLeft = count + 2;
		else if (perItem !== undefined && count > 0) {
			// An attribute stands before its item and is none.
			if (type === "|") this.#open[this.#open.length - 1]! += 1;
			this.#open.push(count * perItem);
		} else this.#itemEnds();
	}

	#itemEnds(): void {
		while (this.#open.length > 0) {
			const last = this.#open.length - 1;
			this.#open[last]! -= 1;
			if (this.#open[last]! > 0) return;
			this.#open.pop();
		}
	}
}
