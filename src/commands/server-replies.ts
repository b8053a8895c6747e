/** Lists that servers send as plain arrays of arrays. */
import type { Reply } from "../resp/reply.js";
import { toArray, toNumber, toNumbers, unexpected } from "./replies.js";

/** A command that took long. */
export interface SlowlogEntry<Text> {
	/** Counted from 0 since the node started. */
	id: number;
	/** Unix time in seconds. */
	time: number;
	/** Microseconds it was executed. */
	duration: number;
	/** Its name and arguments, long ones cut by the server. */
	command: Text[];
	/** `host:port` of the client. */
	address: Text;
	/** The name of its connection, or empty. */
	name: Text;
}

/** A kind of latency spike. */
export interface LatencyEvent<Text> {
	event: Text;
	/** Unix time in seconds of the latest. */
	time: number;
	/** Milliseconds of the latest. */
	latest: number;
	/** Milliseconds of the longest. */
	max: number;
}

export function toSlowlog<Text>(reply: Reply): SlowlogEntry<Text>[] {
	return toArray(reply).map((entry) => {
		const [id, time, duration, command, address, name] = fieldsOf(entry, 6);
		const words = toArray(command) as Text[];
		return {
			id: toNumber(id),
			time: toNumber(time),
			duration: toNumber(duration),
			command: words,
			address: address as Text,
			name: name as Text,
		};
	});
}

export function toLatencyEvents<Text>(reply: Reply): LatencyEvent<Text>[] {
	return toArray(reply).map((entry) => {
		const [event, time, latest, max] = fieldsOf(entry, 4);
		return { event: event as Text, time: toNumber(time), latest: toNumber(latest), max: toNumber(max) };
	});
}

export function toHistory(reply: Reply): [time: number, ms: number][] {
	return toArray(reply).map(toNumberPair);
}

export function toNumberPair(reply: Reply): [number, number] {
	const numbers = toNumbers(reply);
	return numbers.length === 2 ? (numbers as [number, number]) : unexpected();
}

/** Of at least so many fields: newer servers append to what they say. */
function fieldsOf(entry: Reply, length: number): Fields {
	const items = toArray(entry);
	return items.length < length ? unexpected() : (items as Fields);
}

type Fields = [Reply, Reply, Reply, Reply, Reply, Reply];
