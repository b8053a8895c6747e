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
export function toRecord<V>(reply: Reply): Record<string, V> {
	const record: Record<string, V> = Object.create(null);
	if (reply instanceof Map) {
		for (const [field, value] of reply) record[String(field)] = value as V;
		return record;
	}
	for (const [field, value] of toPairs(reply)) record[String(field)] = value as V;
	return record;
}

/** Members with their scores. */
export function toScored<Text>(reply: Reply): [member: Text, score: number][] {
	return toPairs(reply).map(([member, score]) => [member as Text, toNumber(score)]);
}
