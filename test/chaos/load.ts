/** What a service does with a cluster, on keys and channels that nobody else uses, everything held against what was acknowledged before. */
import { setTimeout as sleep } from "node:timers/promises";
import { RawConnection } from "../../src/cli/servers/raw-connection.js";
import type { Client } from "../../src/index.js";
import { Random } from "../support/random.js";
import { Broadcasts } from "./broadcasts.js";
import { Increments } from "./increments.js";
import { Journals } from "./journals.js";
import { clock, type DriverSetup, type ShardNode } from "./messages.js";
import type { LossSince } from "./register.js";
import { SHARDS } from "./shards.js";
import type { Counts } from "./tally.js";
import { Values } from "./values.js";
import type { Watch } from "./watch.js";

const REMEMBER_MS = 60_000;

/** Each kind of call as often as it is made. */
const MIX = [
	...Array<"get">(7).fill("get"),
	...Array<"set">(5).fill("set"),
	...Array<"incr">(3).fill("incr"),
	...Array<"mget">(3).fill("mget"),
	...Array<"setMany">(2).fill("setMany"),
	...Array<"transaction">(2).fill("transaction"),
	...Array<"spublish">(2).fill("spublish"),
	"publish",
	...Array<"xadd">(2).fill("xadd"),
] as const;

export class Load {
	readonly #watch: Watch;
	readonly #random: Random;
	readonly #thinkMs: number;
	readonly #values: Values;
	readonly #increments: Increments;
	readonly #broadcasts: Broadcasts;
	readonly #journals: Journals;
	/** No new calls to these while their keys are read as the new baseline. */
	readonly #paused = new Set<number>();
	readonly #loops: Promise<void>[];
	#stopped = false;

	private constructor(client: Client, watch: Watch, setup: DriverSetup, counts: Counts, random: Random, broadcasts: Broadcasts) {
		this.#watch = watch;
		this.#random = random;
		this.#thinkMs = setup.thinkMs;
		this.#values = new Values(client, watch, random, counts, setup.index);
		this.#increments = new Increments(client, watch, random, counts, setup.index);
		this.#broadcasts = broadcasts;
		this.#journals = new Journals(client, watch, random, counts, setup.index);
		this.#loops = Array.from({ length: setup.concurrency }, () => this.#loop());
	}

	static async start(client: Client, watch: Watch, setup: DriverSetup, counts: Counts): Promise<Load> {
		const random = new Random(setup.seed + setup.index);
		const broadcasts = await Broadcasts.start(client, watch, random, counts, setup.index);
		return new Load(client, watch, setup, counts, random, broadcasts);
	}

	/** Makes no more calls. */
	async stop(): Promise<void> {
		this.#stopped = true;
		this.#journals.stopping();
		await Promise.all(this.#loops);
	}

	/** Once the client was closed: what ends with it. */
	async ended(): Promise<void> {
		await Promise.all([this.#broadcasts.stop(), this.#journals.stop()]);
	}

	/** A fault is about to begin somewhere. */
	async faultExpected(steady: readonly ShardNode[]): Promise<void> {
		await this.#broadcasts.faultExpected(steady);
	}

	/**
	 * Reads a shard's keys past the client, while none of its calls is under way, and takes what is there as the truth.
	 * @returns how many acknowledged writes are gone
	 */
	async rebase(shard: number, node: { host: string; port: number }, lossSince: LossSince): Promise<number> {
		this.#paused.add(shard);
		while (this.#watch.underWay(shard) > 0) await sleep(5);
		await using connection = await RawConnection.open(node);
		const judged = await Promise.all([
			this.#values.rebase(shard, connection, lossSince),
			this.#increments.rebase(shard, connection, lossSince),
			this.#journals.rebase(shard, connection, lossSince),
			this.#broadcasts.rebase(shard).then(() => []),
		]);
		for (const { wrong } of judged.flat()) if (wrong !== null) this.#watch.wrong(`at the new baseline: ${wrong}`);
		this.#paused.delete(shard);
		return judged.flat().reduce((sum, { lost }) => sum + lost, 0);
	}

	/** Keeps the memory of acknowledgements bounded. */
	forget(): void {
		const before = clock() - REMEMBER_MS;
		for (const part of [this.#values, this.#increments, this.#broadcasts]) part.forget(before);
	}

	async #loop(): Promise<void> {
		while (!this.#stopped) {
			await this.#next();
			await sleep(this.#random.between(0, this.#thinkMs));
		}
	}

	async #next(): Promise<void> {
		const open = Array.from({ length: SHARDS }, (_, shard) => shard).filter((shard) => !this.#paused.has(shard));
		if (open.length === 0) return;
		const shard = this.#random.pick(open);
		// Half of the batches are of one shard, so that its promptness can be told from the others'.
		const shards = this.#random.between(0, 1) === 0 ? [shard] : open;
		switch (this.#random.pick(MIX)) {
			case "get":
				return this.#values.get(shard);
			case "set":
				return this.#values.set(shard);
			case "mget":
				return this.#values.mget(shards);
			case "setMany":
				return this.#values.setMany(shards);
			case "incr":
				return this.#increments.incr(shard);
			case "transaction":
				return this.#increments.transaction(shard);
			case "spublish":
				return this.#broadcasts.publish(shard);
			case "xadd":
				return this.#journals.add(shard);
			case "publish":
				// Whichever shard it goes by, its keys must not be paused.
				return open.length === SHARDS ? this.#broadcasts.publish(null) : undefined;
		}
	}
}
