/** INCR, and transactions that increment two keys together: every count held against what was acknowledged before. */
import type { RawConnection } from "../../src/cli/servers/raw-connection.js";
import { type Client, ClientError } from "../../src/index.js";
import type { Random } from "../support/random.js";
import { Counter } from "./counter.js";
import { clock } from "./messages.js";
import type { Baseline, LossSince } from "./register.js";
import { keysOf } from "./shards.js";
import type { Counts } from "./tally.js";
import type { Outcome, Watch } from "./watch.js";

interface Shard {
	counters: Counter[];
	/** Incremented by transactions. */
	twins: [Counter, Counter];
}

interface Increment {
	(outcome: Outcome<number | bigint>): void;
	readonly key: string;
}

export class Increments {
	readonly #client: Client;
	readonly #watch: Watch;
	readonly #random: Random;
	readonly #counts: Counts;
	readonly #shards: readonly Shard[];

	constructor(client: Client, watch: Watch, random: Random, counts: Counts, index: number) {
		this.#client = client;
		this.#watch = watch;
		this.#random = random;
		this.#counts = counts;
		this.#shards = keysOf(index).map(({ counters, twins: [twin, other] }) => ({
			counters: counters.map((key) => new Counter(key)),
			twins: [new Counter(twin), new Counter(other)],
		}));
	}

	async incr(shard: number): Promise<void> {
		const increment = this.#increment(shard, this.#random.pick(this.#shards[shard]!.counters));
		increment(await this.#watch.call("INCR", [shard], () => this.#client.incr(increment.key)));
	}

	/** Increments two keys together, half of the time only if nobody did meanwhile. */
	async transaction(shard: number): Promise<void> {
		const { twins } = this.#shards[shard]!;
		const [twin, other] = twins.map((counter) => this.#increment(shard, counter)) as [Increment, Increment];
		const outcome = await (this.#random.between(0, 1) === 0
			? this.#multi(shard, twin, other)
			: this.#watched(shard, twin, other));
		const replies = "value" in outcome ? outcome.value : [outcome.error, outcome.error];
		for (const [i, increment] of [twin, other].entries()) {
			const reply = replies[i] as number | bigint | ClientError;
			increment(reply instanceof ClientError ? { error: reply } : { value: reply });
		}
		if ("value" in outcome && replies[0] !== replies[1])
			this.#watch.wrong(`a transaction incremented ${twin.key} and its twin to ${replies}`);
	}

	#multi(shard: number, twin: Increment, other: Increment) {
		return this.#watch.call("MULTI", [shard], () => this.#client.multi().incr(twin.key).incr(other.key).exec());
	}

	/** The same if nobody did meanwhile. */
	#watched(shard: number, twin: Increment, other: Increment) {
		const transaction = () =>
			this.#client.watch(
				[twin.key, other.key],
				async (own) => {
					const before = await own.mget([twin.key, other.key]);
					if (before[0] !== before[1]) this.#watch.wrong(`${twin.key} was read as ${before[0]}, its twin as ${before[1]}`);
					return own.multi().incr(twin.key).incr(other.key);
				},
				{ maxAttempts: 1000 },
			);
		// A connection of its own, WATCH and MGET, and EXEC.
		return this.#watch.call("WATCH", [shard], transaction, 3);
	}

	/** While nothing is under way in the shard: what the server holds is what counts from now on. */
	async rebase(index: number, connection: RawConnection, lossSince: LossSince): Promise<Baseline[]> {
		const { counters, twins } = this.#shards[index]!;
		const all = [...counters, ...twins];
		const counts = (await Promise.all(all.map(({ key }) => connection.command("GET", key)))).map((count) => Number(count ?? 0));
		const [twin, other] = counts.slice(counters.length);
		if (twin !== other) this.#watch.wrong(`a transaction was executed in part: ${twins[0].key} is ${twin}, its twin ${other}`);
		return all.map((counter, i) => counter.rebase(counts[i] as number, lossSince));
	}

	forget(before: number): void {
		for (const { counters, twins } of this.#shards) for (const each of [...counters, ...twins]) each.forget(before);
	}

	/** An increment that begins now; call it with what became of it. */
	#increment(shard: number, counter: Counter): Increment {
		const { floor, key } = counter;
		counter.issue();
		const done = (outcome: Outcome<number | bigint>): void => {
			if ("error" in outcome) {
				const { maybeExecuted = false } = outcome.error;
				if (maybeExecuted) this.#counts.unknown += 1;
				counter.failed(maybeExecuted);
				return;
			}
			this.#counts.items += 1;
			const since = this.#watch.lossSince(shard);
			const least = since === null ? floor : Math.min(floor, counter.floorSince(since));
			const wrong = counter.acknowledged(Number(outcome.value), least, clock(), since === null);
			if (wrong !== null) this.#watch.wrong(wrong);
		};
		return Object.assign(done, { key });
	}
}
