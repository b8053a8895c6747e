/** GET, `getInto`, SET EX, MGET and `setMany`: every value held against what was acknowledged before. */
import type { RawConnection, RawReply } from "../../src/cli/servers/raw-connection.js";
import { type Client, ClientError } from "../../src/index.js";
import type { Random } from "../support/random.js";
import { clock } from "./messages.js";
import { type Baseline, type LossSince, Register, versioned } from "./register.js";
import { keysOf } from "./shards.js";
import type { Counts } from "./tally.js";
import type { Watch } from "./watch.js";

const TTL_S = 86_400;
/** Of values in bytes: usual ones, and now and then one that is borrowed instead of copied. */
const SIZES = [64, 512, 2048] as const;
const BORROWED = 20_000;
const BATCH = 16;

interface Write {
	shard: number;
	register: Register;
	version: number;
}

export class Values {
	readonly #client: Client;
	readonly #watch: Watch;
	readonly #random: Random;
	readonly #counts: Counts;
	readonly #shards: readonly Register[][];

	constructor(client: Client, watch: Watch, random: Random, counts: Counts, index: number) {
		this.#client = client;
		this.#watch = watch;
		this.#random = random;
		this.#counts = counts;
		this.#shards = keysOf(index).map(({ registers }) => registers.map((key) => new Register(key)));
	}

	async get(shard: number): Promise<void> {
		const register = this.#register(shard);
		const check = this.#expectation(shard, register);
		const how = this.#random.between(0, 9);
		const outcome = await this.#watch.call<string | Buffer | null>("GET", [shard], () => {
			if (how > 1) return this.#client.get(register.key);
			return how === 1 ? this.#client.buffers.get(register.key) : this.#getInto(register.key);
		});
		if ("value" in outcome) check(outcome.value);
	}

	async mget(shards: readonly number[]): Promise<void> {
		const items = Array.from({ length: BATCH }, () => {
			const shard = this.#random.pick(shards);
			const register = this.#register(shard);
			return { shard, register, check: this.#expectation(shard, register), epoch: this.#watch.epoch(shard) };
		});
		const keys = items.map(({ register }) => register.key);
		const outcome = await this.#watch.call("MGET", distinct(items), () => this.#client.mget(keys, { partial: true }));
		if (!("value" in outcome)) return;
		if (outcome.value.length !== items.length)
			this.#watch.wrong(`MGET of ${items.length} keys was answered with ${outcome.value.length} values`);
		for (const [i, item] of items.entries()) {
			const value = outcome.value[i];
			if (value instanceof ClientError) this.#itemFailed("MGET", item, value);
			else item.check(value);
		}
	}

	async set(shard: number): Promise<void> {
		const write = this.#write(shard);
		const outcome = await this.#watch.call("SET", [shard], () =>
			this.#client.set(write.register.key, write.value, { ex: TTL_S }),
		);
		this.#written(write, "value" in outcome ? outcome.value : outcome.error);
	}

	async setMany(shards: readonly number[]): Promise<void> {
		const writes = Array.from({ length: BATCH }, () => {
			const shard = this.#random.pick(shards);
			return { ...this.#write(shard), epoch: this.#watch.epoch(shard) };
		});
		const entries = writes.map(({ register, value }) => [register.key, value] as const);
		const outcome = await this.#watch.call("SET EX of many", distinct(writes), () =>
			this.#client.setMany(entries, { ex: TTL_S, partial: true }),
		);
		for (const [i, write] of writes.entries()) {
			const result = "value" in outcome ? outcome.value[i] : outcome.error;
			if (result instanceof ClientError && "value" in outcome) this.#itemFailed("SET EX of many", write, result);
			this.#written(write, result);
		}
	}

	/** While nothing is under way in the shard: what the server holds is what counts from now on. */
	async rebase(index: number, connection: RawConnection, lossSince: LossSince): Promise<Baseline[]> {
		const registers = this.#shards[index]!;
		const values: RawReply[] = await Promise.all(registers.map(({ key }) => connection.command("GET", key)));
		return registers.map((register, i) => register.rebase(values[i] as string | null, lossSince));
	}

	forget(before: number): void {
		for (const registers of this.#shards) for (const register of registers) register.forget(before);
	}

	#register(shard: number): Register {
		return this.#random.pick(this.#shards[shard]!);
	}

	/** Judges what a read of the key that begins now returns. */
	#expectation(shard: number, register: Register): (value: unknown) => void {
		const { floor } = register;
		return (value) => {
			this.#counts.items += 1;
			const since = this.#watch.lossSince(shard);
			const least = since === null ? floor : Math.min(floor, register.floorSince(since));
			const wrong = register.judge(value === null ? null : String(value), least);
			if (wrong !== null) this.#watch.wrong(wrong);
		};
	}

	async #getInto(key: string): Promise<Buffer | null> {
		const target = Buffer.alloc(BORROWED);
		const bytes = await this.#client.buffers.getInto(key, target);
		return bytes === null ? null : target.subarray(0, bytes);
	}

	#write(shard: number): Write & { value: string | Buffer } {
		const register = this.#register(shard);
		const version = register.issue();
		const borrowed = this.#random.between(0, 49) === 0;
		const text = versioned(register.key, version, borrowed ? BORROWED : this.#random.pick(SIZES));
		return { shard, register, version, value: borrowed ? Buffer.from(text) : text };
	}

	#written({ register, version }: Write, result: unknown): void {
		if (result instanceof ClientError) {
			const { maybeExecuted = false } = result;
			if (maybeExecuted) this.#counts.unknown += 1;
			register.failed(version, maybeExecuted);
		} else if (result === "OK") {
			this.#counts.items += 1;
			register.acknowledged(version, clock());
		} else this.#watch.wrong(`SET ${register.key} was answered ${JSON.stringify(result)}`);
	}

	#itemFailed(name: string, item: { shard: number; epoch: number }, error: ClientError): void {
		this.#watch.count(error);
		if (!this.#watch.isHealthy(item.shard) || this.#watch.epoch(item.shard) !== item.epoch) return;
		this.#watch.wrong(`an item of ${name} failed at shard ${item.shard}, which had no fault: ${error.code} ${error.message}`);
	}
}

function distinct(items: readonly { shard: number }[]): number[] {
	return [...new Set(items.map(({ shard }) => shard))];
}
