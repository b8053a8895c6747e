/** What the stream commands answer. The server's words differ between the protocols; these do not. */
import type { Reply } from "../resp/reply.js";
import { toArray, toPairs, toRecord, unexpected } from "./replies.js";

/** Fields and values as a record without a prototype; of a field that an entry has twice, the last value. */
export type EntryFields<Text extends string | Buffer> = Record<string, Text>;

export interface StreamEntry<Text extends string | Buffer = string> {
	id: string;
	fields: EntryFields<Text>;
}

/** An entry that a group delivered. */
export interface GroupEntry<Text extends string | Buffer = string> {
	id: string;
	/** Null for one that is pending and was deleted from the stream. */
	fields: EntryFields<Text> | null;
}

/** The entries of one of the streams that were read. */
export interface StreamRead<Text extends string | Buffer, E = StreamEntry<Text>> {
	key: Text;
	entries: E[];
}

export interface Claimed<E> {
	/** Where the next call goes on; `"0-0"` when everything was looked at. */
	cursor: string;
	entries: E[];
	/** Ids that were pending and are no longer in the stream: the group has forgotten them (7.0). */
	deleted: string[];
}

export interface PendingSummary<Text extends string | Buffer> {
	count: number;
	/** The lowest and the highest id; null when nothing is pending. */
	first: string | null;
	last: string | null;
	consumers: { name: Text; count: number }[];
}

export interface PendingEntry<Text extends string | Buffer> {
	id: string;
	consumer: Text;
	/** Milliseconds since it was delivered last. */
	idleMs: number;
	/** How often it was delivered. */
	deliveries: number;
}

/** The fields under the server's names, which depend on its version. */
export interface StreamInfo<Text extends string | Buffer> {
	length: number;
	"last-generated-id": string;
	"first-entry": StreamEntry<Text> | null;
	"last-entry": StreamEntry<Text> | null;
	[field: string]: unknown;
}

/** With `full`. */
export interface FullStreamInfo<Text extends string | Buffer> {
	length: number;
	"last-generated-id": string;
	entries: StreamEntry<Text>[];
	groups: Record<string, unknown>[];
	[field: string]: unknown;
}

export interface GroupInfo<Text extends string | Buffer> {
	name: Text;
	consumers: number;
	pending: number;
	"last-delivered-id": string;
	[field: string]: unknown;
}

export interface ConsumerInfo<Text extends string | Buffer> {
	name: Text;
	pending: number;
	/** Milliseconds. */
	idle: number;
	[field: string]: unknown;
}

/** Ids are text in every view. */
export function toId(reply: Reply): string {
	return typeof reply === "string" || Buffer.isBuffer(reply) ? String(reply) : unexpected();
}

export function toIdOrNull(reply: Reply): string | null {
	return reply === null ? null : toId(reply);
}

export function toIds(reply: Reply): string[] {
	return toArray(reply).map(toId);
}

export function toGroupEntry<Text extends string | Buffer>(reply: Reply): GroupEntry<Text> {
	const [id, fields] = pairOf(reply);
	if (fields === null) return { id: toId(id), fields: null };
	const items = toArray(fields);
	if (items.length % 2 !== 0) return unexpected();
	const record: EntryFields<Text> = Object.create(null);
	for (let i = 0; i < items.length; i += 2) record[toId(items[i] as Reply)] = items[i + 1] as Text;
	return { id: toId(id), fields: record };
}

export function toEntry<Text extends string | Buffer>(reply: Reply): StreamEntry<Text> {
	const entry = toGroupEntry<Text>(reply);
	return entry.fields === null ? unexpected() : (entry as StreamEntry<Text>);
}

export function toEntries<Text extends string | Buffer>(reply: Reply): StreamEntry<Text>[] {
	return toArray(reply).map((entry) => toEntry<Text>(entry));
}

export function toReads<Text extends string | Buffer, E>(reply: Reply, take: (entry: Reply) => E): StreamRead<Text, E>[] | null {
	if (reply === null) return null;
	return toPairs(reply).map(([key, entries]) => ({ key: key as Text, entries: toArray(entries).map(take) }));
}

/** Before 7.0 an entry that is no longer in the stream is null. */
export function toClaimed<E>(reply: Reply, take: (entry: Reply) => E): Claimed<E> {
	const [cursor, entries, deleted = []] = toArray(reply) as [Reply, Reply, Reply?];
	return { cursor: toId(cursor), entries: present(entries).map(take), deleted: toIds(deleted) };
}

export function present(reply: Reply): Reply[] {
	return toArray(reply).filter((entry) => entry !== null);
}

export function toPendingSummary<Text extends string | Buffer>(reply: Reply): PendingSummary<Text> {
	const [count, first, last, consumers] = toArray(reply) as [Reply, Reply, Reply, Reply];
	if (typeof count !== "number") return unexpected();
	return {
		count,
		first: toIdOrNull(first),
		last: toIdOrNull(last),
		consumers: consumers === null ? [] : toArray(consumers).map((each) => toConsumerCount<Text>(each)),
	};
}

function toConsumerCount<Text>(reply: Reply): { name: Text; count: number } {
	const [name, count] = pairOf(reply);
	return { name: name as Text, count: Number(toId(count)) };
}

export function toPendingEntry<Text extends string | Buffer>(reply: Reply): PendingEntry<Text> {
	const [id, consumer, idleMs, deliveries] = toArray(reply) as [Reply, Reply, number, number];
	if (typeof idleMs !== "number" || typeof deliveries !== "number") return unexpected();
	return { id: toId(id), consumer: consumer as Text, idleMs, deliveries };
}

/** Ids and first and last entry in their own shape, and whatever else is nested. */
export function toStreamInfo(reply: Reply): Record<string, unknown> {
	const info = toRecord<unknown>(reply);
	for (const field of ["first-entry", "last-entry"]) {
		if (info[field] !== undefined && info[field] !== null) info[field] = toEntry(info[field] as Reply);
	}
	if (info.entries !== undefined) info.entries = toEntries(info.entries as Reply);
	if (Array.isArray(info.groups)) info.groups = info.groups.map(toGroupDetails);
	return withTextIds(info);
}

function toGroupDetails(reply: Reply): Record<string, unknown> {
	const group = toInfo(reply);
	if (Array.isArray(group.consumers)) group.consumers = group.consumers.map(toInfo);
	return group;
}

export function toInfo(reply: Reply): Record<string, unknown> {
	return withTextIds(toRecord<unknown>(reply));
}

function withTextIds(info: Record<string, unknown>): Record<string, unknown> {
	for (const field of Object.keys(info)) {
		if (field.endsWith("-id") && Buffer.isBuffer(info[field])) info[field] = String(info[field]);
	}
	return info;
}

function pairOf(reply: Reply): [Reply, Reply] {
	const items = toArray(reply);
	return items.length === 2 ? (items as [Reply, Reply]) : unexpected();
}
