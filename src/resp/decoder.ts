import { InvalidOptionError } from "../errors.js";
import { Resp3Decoder } from "./decode.js";
import { type Reply, ReplyMode } from "./reply.js";

export interface DecoderOptions<Type extends "string" | "buffer" = "string" | "buffer"> {
	/** Every top-level reply, in order; an error reply is a `ReplyError` value. */
	onReply: (reply: Reply<Type extends "buffer" ? Buffer : string>) => void;
	/** Every push, also one in the middle of a reply, as the array of its elements. Read past when absent. */
	onPush?: ((items: Reply<Type extends "buffer" ? Buffer : string>[]) => void) | undefined;
	/** Every attribute, before the value it annotates. Read past when absent. */
	onAttribute?: ((attribute: Map<Reply, Reply>) => void) | undefined;
	/** What bulk strings become. Text is read as UTF-8; bytes that are not become U+FFFD, so binary data needs "buffer". */
	replyType: Type;
	/** Verbatim strings keep their format, such as `txt:`; by default it is cut off. */
	verbatim?: "raw" | undefined;
	/** Bytes a bulk string may have, 512 MiB by default; a longer one is refused at its header. */
	maxBulkBytes?: number | undefined;
	/** Aggregates that may be open inside each other, 1024 by default. */
	maxDepth?: number | undefined;
}

/**
 * Turns bytes of RESP2 or RESP3, cut anywhere, into replies. Sends nothing.
 *
 * A callback that throws does not disturb it: the rest of the chunk is decoded, then `write` throws the first such error.
 *
 * ```ts
 * const decoder = new Decoder({ replyType: "string", onReply: (reply) => console.log(reply) });
 * decoder.write(Buffer.from("*2\r\n$5\r\nhel"));
 * decoder.write(Buffer.from("lo\r\n:1\r\n"));      // ["hello", 1]
 * ```
 *
 * @throws INVALID_OPTION
 * @see https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md
 */
export class Decoder<Type extends "string" | "buffer" = "string" | "buffer"> {
	readonly #engine: Resp3Decoder;
	#callbackFailed = false;
	#callbackError: unknown;

	constructor(options: DecoderOptions<Type>) {
		const { onReply, onPush, onAttribute, replyType, verbatim, maxBulkBytes, maxDepth } = options;
		if (typeof onReply !== "function") throw new InvalidOptionError("onReply", "must be a function");
		if (onPush !== undefined && typeof onPush !== "function") throw new InvalidOptionError("onPush", "must be a function");
		if (onAttribute !== undefined && typeof onAttribute !== "function")
			throw new InvalidOptionError("onAttribute", "must be a function");
		if (replyType !== "string" && replyType !== "buffer")
			throw new InvalidOptionError("replyType", 'must be "string" or "buffer"');
		if (verbatim !== undefined && verbatim !== "raw") throw new InvalidOptionError("verbatim", 'must be "raw" when given');
		checkBound("maxBulkBytes", maxBulkBytes);
		checkBound("maxDepth", maxDepth);
		const mode = replyType === "string" ? ReplyMode.string : ReplyMode.buffer;
		const sink = {
			mode: () => mode,
			target: () => null,
			reply: this.#guarded(onReply as (reply: Reply) => void),
			push: this.#guarded((onPush ?? ignore) as (items: Reply[]) => void),
		};
		this.#engine = new Resp3Decoder(sink, {
			maxBulkBytes,
			maxDepth,
			outOfBand: mode,
			onAttribute: onAttribute === undefined ? undefined : this.#guarded(onAttribute),
			rawVerbatim: verbatim === "raw",
		});
	}

	/**
	 * Decodes every reply that `chunk` completes. The chunk is the caller's again afterwards: no Buffer handed out shares its memory.
	 *
	 * @throws PROTOCOL on bytes that are not RESP; the decoder is unusable from then on
	 */
	write(chunk: Uint8Array): void {
		this.#engine.write(chunk);
		if (this.#callbackFailed) {
			const error = this.#callbackError;
			this.#callbackFailed = false;
			this.#callbackError = undefined;
			throw error;
		}
	}

	#guarded<T>(callback: (value: T) => void): (value: T) => void {
		return (value) => {
			try {
				callback(value);
			} catch (error) {
				if (this.#callbackFailed) return;
				this.#callbackFailed = true;
				this.#callbackError = error;
			}
		};
	}
}

function checkBound(field: string, value: number | undefined): void {
	if (value !== undefined && !(Number.isSafeInteger(value) && value > 0))
		throw new InvalidOptionError(field, "must be a positive integer");
}

function ignore(): void {}
