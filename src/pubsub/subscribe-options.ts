import { InvalidOptionError } from "../errors.js";
import { checkInteger, checkObject } from "../util/options.js";
import type { BacklogOptions, Overflow } from "./backlog.js";
import type { GapReason } from "./topic.js";

/** One message. */
export interface Message<Text extends string | Buffer = string> {
	channel: Text;
	message: Text;
	/** The pattern that the channel matched; only of `psubscribe`. */
	pattern?: Text;
	/** Messages of this channel or pattern may have been lost before this one. */
	gap?: true;
}

/** Messages may have been lost. */
export interface Gap<Text extends string | Buffer = string> {
	reason: GapReason;
	/** The channels or patterns concerned, as they were subscribed. */
	names: Text[];
	/** `overflow` only: messages dropped since the last gap of this kind. */
	dropped?: number;
}

export interface SubscribeOptions<Text extends string | Buffer = string> {
	/** Called for each message, in order. When it returns a promise, the next message waits for it. Without it, messages are read by `for await`. */
	listener?: (message: Message<Text>) => unknown;
	/** Called as soon as messages may have been lost, whatever the listener is busy with. */
	onGap?: (gap: Gap<Text>) => unknown;
	/**
	 * Called with what `listener` or `onGap` threw or rejected with, and with the error that ended the subscription of a listener before anybody
	 * unsubscribed it. Each is counted in `errors`, with or without this.
	 */
	onError?: (error: unknown) => unknown;
	/** Messages that wait to be read, at most. Default 1024. */
	maxBuffered?: number;
	/** Their bytes, channel names included, at most; a larger message waits alone. Default 16 MiB. */
	maxBufferedBytes?: number;
	/** What happens when a message comes and there is no room: one is dropped, or the subscription ends with OVERLOADED. Default `"drop-oldest"`. */
	overflow?: Overflow;
}

export type ResolvedSubscribeOptions<Text extends string | Buffer> = BacklogOptions &
	Pick<SubscribeOptions<Text>, "listener" | "onGap" | "onError">;

const fields = ["listener", "onGap", "onError", "maxBuffered", "maxBufferedBytes", "overflow"] as const;
const MiB = 1024 * 1024;
const defaults = { maxBuffered: 1024, maxBufferedBytes: 16 * MiB, overflow: "drop-oldest" } as const;
const policies: ReadonlySet<unknown> = new Set<Overflow>(["drop-oldest", "drop-newest", "fail"]);

/** @throws INVALID_OPTION */
export function resolveSubscribeOptions<Text extends string | Buffer>(
	options: SubscribeOptions<Text> | undefined,
): ResolvedSubscribeOptions<Text> {
	if (options === undefined) return defaults;
	const given = checkObject("a subscription", options, fields);
	const { listener, onGap, onError, maxBuffered, maxBufferedBytes, overflow = defaults.overflow } = given;
	for (const [field, value] of Object.entries({ listener, onGap, onError })) {
		if (value !== undefined && typeof value !== "function") throw new InvalidOptionError(field, "must be a function");
	}
	if (!policies.has(overflow)) throw new InvalidOptionError("overflow", `must be one of ${[...policies].join(", ")}`);
	return {
		...(listener === undefined ? {} : { listener }),
		...(onGap === undefined ? {} : { onGap }),
		...(onError === undefined ? {} : { onError }),
		maxBuffered: bound("maxBuffered", maxBuffered),
		maxBufferedBytes: bound("maxBufferedBytes", maxBufferedBytes),
		overflow,
	};
}

function bound(field: "maxBuffered" | "maxBufferedBytes", value: number | undefined): number {
	return value === undefined ? defaults[field] : checkInteger(value, field, 1);
}
