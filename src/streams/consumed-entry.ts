import type { Key } from "../commands/arguments.js";
import type { EntryFields } from "../commands/stream-replies.js";

interface Delivered<Text extends string | Buffer> {
	readonly key: Key;
	readonly id: string;
	readonly fields: EntryFields<Text>;
	readonly redelivered: boolean;
	readonly claimed: boolean;
	readonly deliveries: number;
}

/** An entry as a consumer hands it out. */
export class ConsumedEntry<Text extends string | Buffer = string> {
	/** The stream. */
	readonly key: Key;
	readonly id: string;
	/** A record without a prototype; of a field that the entry has twice, the last value. */
	readonly fields: EntryFields<Text>;
	/** Somebody may have had it before: an earlier process of this consumer, or another consumer. False: nobody had. */
	readonly redelivered: boolean;
	/** It was pending for another consumer for longer than `minIdleMs`. */
	readonly claimed: boolean;
	/** How often the server delivered it, as it counts: a reply that was lost counts too. */
	readonly deliveries: number;
	readonly #acknowledge: (id: string) => Promise<number>;

	/** @internal */
	constructor(
		{ key, id, fields, redelivered, claimed, deliveries }: Delivered<Text>,
		acknowledge: (id: string) => Promise<number>,
	) {
		this.key = key;
		this.id = id;
		this.fields = fields;
		this.redelivered = redelivered;
		this.claimed = claimed;
		this.deliveries = deliveries;
		this.#acknowledge = acknowledge;
	}

	/** @internal Before it is handed out: its group was lost. */
	markRedelivered(): void {
		(this as { redelivered: boolean }).redelivered = true;
	}

	/** Says that it was dealt with. `XACK key group id`; as {@link StreamConsumer.ack} */
	ack(): Promise<number> {
		return this.#acknowledge(this.id);
	}
}
