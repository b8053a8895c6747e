/** Publish/subscribe: a sharded channel in each shard and one that is in none, with nobody but this client publishing and subscribed. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Client, Message, Subscription } from "../../src/index.js";
import type { Random } from "../support/random.js";
import { Channel } from "./channel.js";
import { clock, type ShardNode } from "./messages.js";
import { channelsOf, SHARDS } from "./shards.js";
import type { Counts } from "./tally.js";
import type { Watch } from "./watch.js";
import { Witness } from "./witness.js";

const SIZES = [64, 512, 2048] as const;
const LARGE = 20_000;
const ALL = Array.from({ length: SHARDS }, (_, shard) => shard);
/** After a fault a client knows who serves what within this time. */
const TOPOLOGY_MS = 3000;
/** At a new baseline a subscription that has not delivered anything by then never will, */
const SILENT_MS = 15_000;
/** and until then it is tried again so often. */
const EVERY_MS = 100;

export class Broadcasts {
	readonly #client: Client;
	readonly #watch: Watch;
	readonly #random: Random;
	readonly #counts: Counts;
	/** By shard, and behind them the one that servers pass on among themselves. */
	readonly #channels: readonly Channel[];
	readonly #subscriptions: Subscription[] = [];
	/** By shard, as long as it has a fault. */
	readonly #witnesses = new Map<number, Witness>();
	#reading: Promise<void> = Promise.resolve();
	#stopped = false;

	private constructor(client: Client, watch: Watch, random: Random, counts: Counts, index: number) {
		this.#client = client;
		this.#watch = watch;
		this.#random = random;
		this.#counts = counts;
		const { sharded, classic } = channelsOf(index);
		this.#channels = [...sharded.map((name) => new Channel(name, false)), new Channel(classic, true)];
	}

	/** Resolves when everything is subscribed. */
	static async start(client: Client, watch: Watch, random: Random, counts: Counts, index: number): Promise<Broadcasts> {
		const started = new Broadcasts(client, watch, random, counts, index);
		await started.#subscribe();
		return started;
	}

	/** Once the client was closed: every subscription has ended with it. */
	async stop(): Promise<void> {
		this.#stopped = true;
		await this.#reading;
		for (const { names, ended } of this.#subscriptions)
			if (!ended) this.#watch.wrong(`the subscription to ${names} outlives its client`);
	}

	/** A message to the shard's own channel, or with null to the one of all. */
	async publish(shard: number | null): Promise<void> {
		const large = this.#random.between(0, 49) === 0;
		await this.#publish(shard ?? SHARDS, large ? LARGE : this.#random.pick(SIZES));
	}

	/** A fault is about to begin somewhere. */
	async faultExpected(steady: readonly ShardNode[]): Promise<void> {
		for (const channel of this.#channels) channel.faultExpected(clock());
		for (const { shard, ...node } of steady) this.#witnesses.set(shard, await Witness.start(node, this.#channels[shard]!));
	}

	/** While nothing else is under way in the shard, and nothing is wrong there any more: everything that was published is accounted for. */
	async rebase(shard: number): Promise<void> {
		await this.#witnesses.get(shard)?.stop();
		this.#witnesses.delete(shard);
		await Promise.all([this.#account(shard), this.#account(SHARDS)]);
	}

	forget(before: number): void {
		for (const channel of this.#channels) channel.forget(before);
	}

	async #subscribe(): Promise<void> {
		const onGap = ({ reason, names }: { reason: string; names: string[] }): void => {
			for (const name of names) this.#gapTold(name, reason);
		};
		const onError = (error: unknown): void => this.#watch.wrong(`a subscription failed: ${String(error)}`);
		const [classic, ...sharded] = await Promise.all([
			this.#client.subscribe(this.#channels[SHARDS]!.name, { onGap, onError }),
			...ALL.map((shard) =>
				this.#client.ssubscribe(this.#channels[shard]!.name, {
					listener: (message) => this.#received(shard, message),
					onGap,
					onError,
				}),
			),
		]);
		this.#subscriptions.push(...sharded, classic!);
		this.#reading = this.#read(classic!);
	}

	async #read(subscription: Subscription): Promise<void> {
		try {
			for await (const message of subscription) this.#received(SHARDS, message);
			if (!this.#stopped && !subscription.ended) this.#watch.wrong("a loop over messages ended before its subscription did");
		} catch (error) {
			this.#watch.wrong(`a loop over messages failed: ${String(error)}`);
		}
	}

	#received(index: number, { channel: name, message, gap }: Message): void {
		const channel = this.#channels[index]!;
		this.#counts.messages += 1;
		if (name !== channel.name) this.#watch.wrong(`a message of channel ${name} came to the subscription to ${channel.name}`);
		const { issuedAt, wrong } = channel.received(message, gap ?? false);
		for (const what of wrong) this.#watch.wrong(what);
		if (issuedAt !== null) this.#watch.works("messages", shardOf(index), issuedAt);
	}

	#gapTold(name: string, reason: string): void {
		const index = this.#channels.findIndex((channel) => channel.name === name);
		this.#counts.gaps += 1;
		if (index < 0) {
			this.#watch.wrong(`a gap was told of ${name}, which nobody subscribed to`);
			return;
		}
		this.#channels[index]!.gapTold();
		// A server that came back as a replica may be subscribed to, until the client learns of its rank.
		const cause = reason === "connection-lost" ? 0 : TOPOLOGY_MS;
		if (this.#watch.healthyFor(shardOf(index)) > cause)
			this.#watch.wrong(`a gap was told of ${name} (${reason}), and nothing had a fault there`);
	}

	/** @returns its number */
	async #publish(index: number, bytes: number): Promise<number> {
		const channel = this.#channels[index]!;
		const shard = shardOf(index);
		const { number, text } = channel.issue(bytes, clock(), this.#watch.healthyFor(shard) === 0);
		const outcome =
			shard === null
				? await this.#watch.call("PUBLISH", ALL, () => this.#client.publish(channel.name, text))
				: await this.#watch.call("SPUBLISH", [shard], () => this.#client.spublish(channel.name, text));
		if ("value" in outcome) {
			this.#counts.items += 1;
			channel.acknowledged(number, outcome.value, clock());
			return number;
		}
		const { maybeExecuted = false } = outcome.error;
		if (maybeExecuted) this.#counts.unknown += 1;
		const wrong = channel.failed(number, maybeExecuted);
		if (wrong !== null) this.#watch.wrong(wrong);
		return number;
	}

	/** Publishes until something comes, which is behind everything else. */
	async #account(index: number): Promise<void> {
		const channel = this.#channels[index]!;
		const until = clock() + SILENT_MS;
		const tried: number[] = [];
		do {
			if (clock() > until) {
				this.#watch.wrong(`${channel.name}: nothing came within ${SILENT_MS} ms, though nothing has a fault any more`);
				return;
			}
			tried.push(await this.#publish(index, 64));
			await sleep(tried.length === 1 ? 1 : EVERY_MS);
		} while (!tried.some((number) => channel.has(number)));
		for (const what of channel.missing(clock())) this.#watch.wrong(what);
	}
}

function shardOf(index: number): number | null {
	return index === SHARDS ? null : index;
}
