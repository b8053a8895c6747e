/** What a service does with a cluster, over keys that nobody else writes, every reply held against what was acknowledged before. */
import { setTimeout as sleep } from "node:timers/promises";
import { RawConnection, type RawReply } from "../../src/cli/servers/raw-connection.js";
import { type Client, ClientError } from "../../src/index.js";
import { Random } from "../support/random.js";
import { Counter } from "./counter.js";
import { clock, type DriverSetup } from "./messages.js";
import { type Baseline, type LossSince, Register, versioned } from "./register.js";
import { keysOf } from "./shards.js";
import type { Outcome, Watch } from "./watch.js";

const TTL_S = 86_400;
/** Of values in bytes: usual ones, and now and then one that is borrowed instead of copied. */
const SIZES = [64, 512, 2048] as const;
const BORROWED = 20_000;
const BATCH = 16;
const REMEMBER_MS = 60_000;

/** Each kind of call as often as it is made. */
const MIX = [
	...Array<"get">(7).fill("get"),
	...Array<"set">(5).fill("set"),
	...Array<"incr">(3).fill("incr"),
	...Array<"mget">(3).fill("mget"),
	...Array<"setMany">(2).fill("setMany"),
	...Array<"transaction">(2).fill("transaction"),
] as const;

interface Shard {
	registers: Register[];
	counters: Counter[];
	/** Incremented by transactions. */
	twins: [Counter, Counter];
	/** No new calls while its keys are read as the new baseline. */
	paused: boolean;
}

interface Write {
	shard: number;
	register: Register;
	version: number;
}

interface Increment {
	(outcome: Outcome<number | bigint>): void;
	readonly key: string;
}

export class Load {
	/** Values read and written. */
	items = 0;
	/** Of writes and increments. */
	unknown = 0;
	readonly #client: Client;
	readonly #watch: Watch;
	readonly #random: Random;
	readonly #thinkMs: number;
	readonly #shards: Shard[];
	readonly #loops: Promise<void>[];
	#stopped = false;

	constructor(client: Client, watch: Watch, setup: DriverSetup) {
		this.#client = client;
		this.#watch = watch;
		this.#random = new Random(setup.seed + setup.index);
		this.#thinkMs = setup.thinkMs;
		this.#shards = keysOf(setup.index).map(({ registers, counters, twins: [twin, other] }) => ({
			registers: registers.map((key) => new Register(key)),
			counters: counters.map((key) => new Counter(key)),
			twins: [new Counter(twin), new Counter(other)],
			paused: false,
		}));
		this.#loops = Array.from({ length: setup.concurrency }, () => this.#loop());
	}

	async stop(): Promise<void> {
		this.#stopped = true;
		await Promise.all(this.#loops);
	}

	/** Reads a shard's keys past the client, while none of its calls is under way, and takes what is there as the truth. */
	async rebase(index: number, node: { host: string; port: number }, lossSince: LossSince): Promise<number> {
		const shard = this.#shards[index]!;
		shard.paused = true;
		while (this.#watch.underWay(index) > 0) await sleep(5);
		await using connection = await RawConnection.open(node);
		const read = (keys: { key: string }[]): Promise<RawReply[]> =>
			Promise.all(keys.map(({ key }) => connection.command("GET", key)));
		const values = await read(shard.registers);
		const counters = [...shard.counters, ...shard.twins];
		const counts = (await read(counters)).map((count) => Number(count ?? 0));
		const judged: Baseline[] = [
			...shard.registers.map((register, i) => register.rebase(values[i] as string | null, lossSince)),
			...counters.map((counter, i) => counter.rebase(counts[i] as number, lossSince)),
		];
		const [twin, other] = counts.slice(shard.counters.length);
		if (twin !== other)
			this.#watch.wrong(`a transaction was executed in part: ${shard.twins[0].key} is ${twin}, its twin ${other}`);
		for (const { wrong } of judged) if (wrong !== null) this.#watch.wrong(`at the new baseline: ${wrong}`);
		shard.paused = false;
		return judged.reduce((sum, { lost }) => sum + lost, 0);
	}

	/** Keeps the memory of acknowledgements bounded. */
	forget(): void {
		const before = clock() - REMEMBER_MS;
		for (const { registers, counters, twins } of this.#shards)
			for (const each of [...registers, ...counters, ...twins]) each.forget(before);
	}

	async #loop(): Promise<void> {
		while (!this.#stopped) {
			await this.#next();
			await sleep(this.#random.between(0, this.#thinkMs));
		}
	}

	#next(): Promise<void> {
		const open = this.#shards.flatMap(({ paused }, shard) => (paused ? [] : [shard]));
		if (open.length === 0) return Promise.resolve();
		const shard = this.#random.pick(open);
		// Half of the batches are of one shard, so that its promptness can be told from the others'.
		const shards = this.#random.between(0, 1) === 0 ? [shard] : open;
		const kind = this.#random.pick(MIX);
		if (kind === "mget") return this.#mget(shards);
		if (kind === "setMany") return this.#setMany(shards);
		if (kind === "transaction") return this.#transaction(shard);
		return kind === "get" ? this.#get(shard) : kind === "set" ? this.#set(shard) : this.#incr(shard);
	}

	#register(shard: number): Register {
		return this.#random.pick(this.#shards[shard]!.registers);
	}

	/** Judges what a read of the key that begins now returns. */
	#expectation(shard: number, register: Register): (value: unknown) => void {
		const { floor } = register;
		return (value) => {
			this.items += 1;
			const since = this.#watch.lossSince(shard);
			const least = since === null ? floor : Math.min(floor, register.floorSince(since));
			const wrong = register.judge(value === null ? null : String(value), least);
			if (wrong !== null) this.#watch.wrong(wrong);
		};
	}

	async #get(shard: number): Promise<void> {
		const register = this.#register(shard);
		const check = this.#expectation(shard, register);
		const how = this.#random.between(0, 9);
		const outcome = await this.#watch.call<string | Buffer | null>("GET", [shard], () => {
			if (how > 1) return this.#client.get(register.key);
			return how === 1 ? this.#client.buffers.get(register.key) : this.#getInto(register.key);
		});
		if ("value" in outcome) check(outcome.value);
	}

	async #getInto(key: string): Promise<Buffer | null> {
		const target = Buffer.alloc(BORROWED);
		const bytes = await this.#client.buffers.getInto(key, target);
		return bytes === null ? null : target.subarray(0, bytes);
	}

	async #mget(shards: number[]): Promise<void> {
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
			if (maybeExecuted) this.unknown += 1;
			register.failed(version, maybeExecuted);
		} else if (result === "OK") {
			this.items += 1;
			register.acknowledged(version, clock());
		} else this.#watch.wrong(`SET ${register.key} was answered ${JSON.stringify(result)}`);
	}

	async #set(shard: number): Promise<void> {
		const write = this.#write(shard);
		const outcome = await this.#watch.call("SET", [shard], () =>
			this.#client.set(write.register.key, write.value, { ex: TTL_S }),
		);
		this.#written(write, "value" in outcome ? outcome.value : outcome.error);
	}

	async #setMany(shards: number[]): Promise<void> {
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

	async #incr(shard: number): Promise<void> {
		const increment = this.#increment(shard, this.#random.pick(this.#shards[shard]!.counters));
		increment(await this.#watch.call("INCR", [shard], () => this.#client.incr(increment.key)));
	}

	/** Increments two keys together, half of the time only if nobody did meanwhile. */
	async #transaction(shard: number): Promise<void> {
		const { twins } = this.#shards[shard]!;
		const [twin, other] = twins.map((counter) => this.#increment(shard, counter)) as [Increment, Increment];
		const outcome = await this.#watch.call("MULTI", [shard], async () => {
			if (this.#random.between(0, 1) === 0) return await this.#client.multi().incr(twin.key).incr(other.key).exec();
			return await this.#client.watch(
				[twin.key, other.key],
				async (own) => {
					const before = await own.mget([twin.key, other.key]);
					if (before[0] !== before[1]) this.#watch.wrong(`${twin.key} was read as ${before[0]}, its twin as ${before[1]}`);
					return own.multi().incr(twin.key).incr(other.key);
				},
				{ maxAttempts: 1000 },
			);
		});
		const replies = "value" in outcome ? outcome.value : [outcome.error, outcome.error];
		for (const [i, increment] of [twin, other].entries()) {
			const reply = replies[i] as number | bigint | ClientError;
			increment(reply instanceof ClientError ? { error: reply } : { value: reply });
		}
		if ("value" in outcome && replies[0] !== replies[1])
			this.#watch.wrong(`a transaction incremented ${twin.key} and its twin to ${replies}`);
	}

	/** An increment that begins now; call it with what became of it. */
	#increment(shard: number, counter: Counter): Increment {
		const { floor, key } = counter;
		counter.issue();
		const done = (outcome: Outcome<number | bigint>): void => {
			if ("error" in outcome) {
				const { maybeExecuted = false } = outcome.error;
				if (maybeExecuted) this.unknown += 1;
				counter.failed(maybeExecuted);
				return;
			}
			this.items += 1;
			const since = this.#watch.lossSince(shard);
			const least = since === null ? floor : Math.min(floor, counter.floorSince(since));
			const wrong = counter.acknowledged(Number(outcome.value), least, clock(), since === null);
			if (wrong !== null) this.#watch.wrong(wrong);
		};
		return Object.assign(done, { key });
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
