/**
 * What replies become. Servers give the same thing in two shapes, RESP2 flat arrays and bulk strings where RESP3 has maps, doubles and pairs:
 * each of these takes both.
 */
import { ProtocolError } from "../errors.js";
import type { Reply } from "../resp/reply.js";

/** The reply is none that its command can have. Caught where the reply is taken, and told to that caller alone. */
class ShapeError extends Error {}

export function unexpected(): never {
	throw new ShapeError();
}

/** Applies `take` to what `name` was answered with; a ProtocolError for a reply that it cannot be. */
export function taken<R>(name: string, reply: Reply, take: (reply: never) => R): R | ProtocolError {
	try {
		return take(reply as never);
	} catch (cause) {
		const error = new ProtocolError(
			`${name} was answered with a reply of an unexpected shape`,
			cause instanceof ShapeError ? {} : { cause },
		);
		error.maybeExecuted = true;
		return error;
	}
}

/** A double: a number in RESP3, text in RESP2. */
export function toNumber(reply: Reply): number {
	if (typeof reply === "number") return reply;
	if (typeof reply !== "string" && !Buffer.isBuffer(reply)) return unexpected();
	const text = String(reply).toLowerCase();
	if (text === "inf" || text === "+inf") return Number.POSITIVE_INFINITY;
	if (text === "-inf") return Number.NEGATIVE_INFINITY;
	// C libraries write nan in many ways.
	if (/^[+-]?nan/.test(text)) return Number.NaN;
	const value = text === "" ? Number.NaN : Number(text);
	return Number.isNaN(value) ? unexpected() : value;
}

/** {@link toNumber}, and null for what is missing. */
export function toNumberOrNull(reply: Reply): number | null {
	return reply === null ? null : toNumber(reply);
}

export function toArray(reply: Reply): Reply[] {
	return Array.isArray(reply) ? reply : unexpected();
}

/** Pairs: of a map, of an array of pairs, or of a flat array. */
export function toPairs(reply: Reply): [Reply, Reply][] {
	if (reply instanceof Map) return [...reply];
	const items = toArray(reply);
	if (Array.isArray(items[0]))
		return items.map((pair) => (Array.isArray(pair) && pair.length === 2 ? (pair as [Reply, Reply]) : unexpected()));
	if (items.length % 2 !== 0) return unexpected();
	const pairs: [Reply, Reply][] = [];
	for (let i = 0; i < items.length; i += 2) pairs.push([items[i] as Reply, items[i + 1] as Reply]);
	return pairs;
}

/** Fields and values as a record without a prototype: a field may be called `__proto__`. Field names are text in every view. */
export function toRecord<V>(reply: Reply, take = (value: Reply): V => value as V): Record<string, V> {
	const record: Record<string, V> = Object.create(null);
	for (const [field, value] of reply instanceof Map ? reply : toPairs(reply)) record[String(field)] = take(value);
	return record;
}

/** Members with their scores. */
export type Scored<Text> = [member: Text, score: number][];

export function toScored<Text>(reply: Reply): Scored<Text> {
	return toPairs(reply).map(([member, score]) => [toText(member), toNumber(score)]);
}

/** Bytes that are no text in any view, null for what is missing. */
export function toBytes(reply: Reply): Buffer | null {
	return reply === null || Buffer.isBuffer(reply) ? reply : unexpected();
}

/** A list of numbers, some of which may be text in RESP2. */
export function toNumbers(reply: Reply): number[] {
	return toArray(reply).map(toNumber);
}

/** What a bulk string became: text, or a Buffer in the view. */
export function toText<Text>(reply: Reply): Text {
	return typeof reply === "string" || Buffer.isBuffer(reply) ? (reply as Text) : unexpected();
}

/** Fields with their values, where a field may come more than once. */
export function toTextPairs<Text>(reply: Reply): [field: Text, value: Text][] {
	return toPairs(reply).map(([field, value]) => [toText(field), toText(value)]);
}

/** The one member that was asked for, with its score: a flat pair in both protocols. Null when there is none. */
export function toScoredOrNull<Text>(reply: Reply): [member: Text, score: number] | null {
	const [first, ...more] = toScored<Text>(reply);
	return more.length > 0 ? unexpected() : (first ?? null);
}

/** A key, and what was taken from it. Null when no key had anything. */
export function toPopped<Text, T>(reply: Reply, take: (taken: Reply) => T): [key: Text, taken: T] | null {
	if (reply === null) return null;
	const items = toArray(reply);
	return items.length === 2 ? [toText(items[0] as Reply), take(items[1] as Reply)] : unexpected();
}

/** Doubles of what was asked for, null where there is none. */
export function toNumbersOrNull(reply: Reply): (number | null)[] {
	return toArray(reply).map(toNumberOrNull);
}

export function toTexts<Text>(reply: Reply): Text[] {
	return toArray(reply).map((text) => toText<Text>(text));
}
