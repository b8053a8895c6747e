/**
 * Commands encoded at the call. Their bytes are what is written to the socket and the snapshot of the caller's values at once, so a value is
 * copied once, into memory that the next batch uses again:
 *
 *     encode ──► written by a connection ──► every command answered: `done` ──► the memory is free again
 *                                        └─► given up, or lost with its connection: `keep`, and the collector has it
 */
import type { Frames } from "../request.js";
import { Resp3Decoder } from "../resp/decode.js";
import { type Argument, CommandWriter } from "../resp/encode.js";
import { type Reply, ReplyMode } from "../resp/reply.js";

/** Encodes the batches of one client. */
export class FrameWriter {
	#writer = newWriter();
	/** Frames in that writer's memory that are not done. */
	#open = 0;

	encode(commands: readonly { readonly args: readonly Argument[] }[]): EncodedFrames {
		const writer = this.#writer;
		try {
			for (const { args } of commands) writer.command(args);
		} catch (error) {
			// What was written of them must not stand before the next.
			this.#renew();
			throw error;
		}
		this.#open += 1;
		return new EncodedFrames(writer.take(), {
			done: () => {
				if (writer !== this.#writer) return;
				this.#open -= 1;
				if (this.#open === 0) writer.recycle();
			},
			keep: () => {
				if (writer === this.#writer) this.#renew();
			},
		});
	}

	/** Leaves the memory there is to whoever uses it still. */
	#renew(): void {
		this.#writer = newWriter();
		this.#open = 0;
	}
}

/** Values are copied whatever their size: what is referenced would be no snapshot. */
function newWriter(): CommandWriter {
	return new CommandWriter(Number.POSITIVE_INFINITY);
}

export class EncodedFrames implements Frames {
	readonly pieces: readonly Buffer[];
	readonly done: () => void;
	readonly keep: () => void;
	#commands: Buffer[][] | null = null;

	constructor(pieces: readonly Buffer[], { done, keep }: { done: () => void; keep: () => void }) {
		this.pieces = pieces;
		this.done = done;
		this.keep = keep;
	}

	/** An argument of a command that has to be sent once more. */
	argument(command: number, index: number): Buffer {
		this.#commands ??= decoded(this.pieces);
		return this.#commands[command]?.[index] as Buffer;
	}
}

/** A command is RESP like a reply: an array of bulk strings. */
function decoded(pieces: readonly Buffer[]): Buffer[][] {
	const commands: Buffer[][] = [];
	const decoder = new Resp3Decoder({
		mode: () => ReplyMode.buffer,
		target: () => null,
		reply: (command: Reply) => commands.push(command as Buffer[]),
		push: () => {},
	});
	for (const piece of pieces) decoder.write(piece);
	return commands;
}
