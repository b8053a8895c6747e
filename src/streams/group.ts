/** A consumer's group as its server has it: what is asked and said there. */
import type { GroupEntry, StreamEntry } from "../commands/stream-replies.js";
import type { StreamId } from "../commands/stream-words.js";
import type { ClientError } from "../errors.js";
import type { ConsumerHost } from "./consumer-host.js";
import type { ConsumerSettings } from "./consumer-options.js";
import { compareIds } from "./ids.js";

/** Entries that others have had for too long, with what the count of their deliveries is going to be. */
interface Overdue {
	readonly deliveries: ReadonlyMap<string, number>;
	/** Behind which the search goes on; null: everything was looked at. */
	readonly cursor: string | null;
}

export class Group<Text extends string | Buffer> {
	readonly #settings: ConsumerSettings;
	/** What it had delivered when that was looked at: it is created anew from here. */
	#place: string | null = null;

	constructor(settings: ConsumerSettings) {
		this.#settings = settings;
	}

	/** Behind `">"` what is new, behind an id what is pending for this consumer. */
	async read(via: ConsumerHost<Text>, id: string, options: { count: number; block?: number }): Promise<GroupEntry<Text>[]> {
		const { key, group, consumer } = this.#settings;
		return (await via.xreadgroup(group, consumer, [[key, id]], options))?.[0]?.entries ?? [];
	}

	async acknowledge(via: ConsumerHost<Text>, ids: string[]): Promise<void> {
		if (ids.length > 0) await via.xack(this.#settings.key, this.#settings.group, ids);
	}

	/**
	 * How often these have been delivered, which are neighbours among what is pending for this consumer.
	 * @param count how much may be pending between the first and the last of them
	 */
	async deliveriesOf(via: ConsumerHost<Text>, entries: readonly { id: string }[], count: number): Promise<Map<string, number>> {
		const [first, last] = [entries[0], entries.at(-1)];
		if (first === undefined || last === undefined) return new Map();
		const { key, group, consumer } = this.#settings;
		const pending = await via.xpending(key, group, { start: first.id, end: last.id, count, consumer });
		return new Map(pending.map(({ id, deliveries }) => [id, deliveries]));
	}

	/** What this consumer has itself is not claimed: that would keep it from the others for as long as this one lives. */
	async overdue(via: ConsumerHost<Text>, after: string | null, most: number): Promise<Overdue> {
		const { key, group, consumer, count, minIdleMs } = this.#settings;
		const start = after === null ? "-" : `(${after}`;
		const pending = await via.xpending(key, group, { start, count, idle: minIdleMs });
		const own = Buffer.from(consumer as Buffer);
		const foreign = pending.filter((entry) => !Buffer.from(entry.consumer as string).equals(own));
		const claimable = foreign.slice(0, most);
		const last = claimable.length < foreign.length ? claimable.at(-1) : pending.length < count ? undefined : pending.at(-1);
		return {
			deliveries: new Map(claimable.map(({ id, deliveries }) => [id, deliveries + 1])),
			cursor: last?.id ?? null,
		};
	}

	/** Those of them that nobody was faster with, and that are still in the stream. */
	async claim(via: ConsumerHost<Text>, ids: Iterable<string>): Promise<StreamEntry<Text>[]> {
		const { key, group, consumer, minIdleMs } = this.#settings;
		return await via.xclaim(key, group, consumer, minIdleMs, [...ids]);
	}

	/** The id of the last entry that was ever added; null for a user who may not ask. */
	async lastId(via: ConsumerHost<Text>): Promise<string | null> {
		const info = await via.xinfoStream(this.#settings.key).catch((error: ClientError) => {
			if (error.code === "NOPERM" || error.code === "ERR") return null;
			throw error;
		});
		return info?.["last-generated-id"] ?? null;
	}

	/** Where there is a group to be made. `"$"` means another place each time it is said. */
	async notePlace(via: ConsumerHost<Text>): Promise<void> {
		if (this.#settings.createGroup !== null) this.#place = laterOf(await this.#delivered(via), this.#place);
	}

	/** Whether it was ever seen. */
	get wasSeen(): boolean {
		return this.#place !== null;
	}

	/**
	 * Where a group that was lost goes on: from where it is known to have been. Null: the stream is another one, of which nothing is known.
	 * @param highest that this consumer was ever given
	 */
	async resumption(via: ConsumerHost<Text>, highest: string | null): Promise<string | null> {
		const place = laterOf(this.#place, highest);
		const last = (await via.xinfoStream(this.#settings.key).catch(orMissing))?.["last-generated-id"] ?? "0-0";
		if (place !== null && compareIds(last, place) >= 0) return place;
		this.#place = null;
		return null;
	}

	/** Others may have been faster. */
	async create(via: ConsumerHost<Text>, from: StreamId, mkstream: boolean): Promise<void> {
		await via.xgroupCreate(this.#settings.key, this.#settings.group, from, { mkstream }).catch((error: ClientError) => {
			if (error.code !== "BUSYGROUP") throw error;
		});
		await this.notePlace(via);
	}

	async #delivered(via: ConsumerHost<Text>): Promise<string | null> {
		const groups = await via.xinfoGroups(this.#settings.key).catch(orMissing);
		const name = Buffer.from(this.#settings.group as Buffer);
		const own = groups?.find((group) => Buffer.from(group.name as string).equals(name));
		return own?.["last-delivered-id"] ?? null;
	}
}

/** Of the server's history, as its replication names it; null for a user who may not ask. */
export async function lineageOf<Text extends string | Buffer>(own: ConsumerHost<Text>): Promise<string | null> {
	const info = await own.command("INFO", "replication").catch((error: ClientError) => {
		if (error.code === "NOPERM") return "";
		throw error;
	});
	return /^master_replid:(\w+)/m.exec(String(info))?.[1] ?? null;
}

function laterOf(a: string | null, b: string | null): string | null {
	if (a === null || b === null) return a ?? b;
	return compareIds(a, b) > 0 ? a : b;
}

/** No such key. */
function orMissing(error: ClientError): null {
	if (error.code === "ERR") return null;
	throw error;
}
