import { type ServerCluster, seenBy, waitUntil } from "../../fixtures/servers.js";
import type { Client, ClientError } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { Walker } from "./walker.js";

/** Walkers of several clients in every shard of a cluster, and one for each client that goes through all shards at once. */
export class Load {
	/** By the primary's place in `cluster.primaries`. */
	readonly shards: readonly (readonly Walker[])[];
	readonly across: readonly Walker[];
	readonly all: readonly Walker[];

	private constructor(shards: Walker[][], across: Walker[]) {
		this.shards = shards;
		this.across = across;
		this.all = [...shards.flat(), ...across];
	}

	/** The cluster's primaries must be those that it was made with. */
	static async start(cluster: ServerCluster, clients: Readonly<Record<string, Client>>, perShard = 3): Promise<Load> {
		const tags = await tagsOf(cluster);
		const named = Object.entries(clients);
		const shards = tags.map((tag) =>
			named.flatMap(([name, client]) => Array.from({ length: perShard }, () => new Walker(client, name, tag))),
		);
		const across = named.map(([name, client]) => new Walker(client, `${name}:across`, ...(tags as [string, ...string[]])));
		const load = new Load(shards, across);
		try {
			await load.goesOn();
		} catch (error) {
			await load.stop();
			throw error;
		}
		return load;
	}

	/** Resolves when each of them has made so many more rounds without an error. */
	async goesOn(rounds = 3, timeoutMs = 20_000): Promise<void> {
		const before = this.all.map((walker) => walker.rounds);
		const slow = () => this.all.find((walker, i) => walker.rounds < before[i]! + rounds);
		await waitUntil("a running load", () => slow() === undefined || `${slow()!.tags} stands still`, { timeoutMs });
	}

	get errors(): ClientError[] {
		return this.all.flatMap(({ errors }) => errors);
	}

	get readErrors(): ClientError[] {
		return this.all.flatMap(({ readErrors }) => readErrors);
	}

	get foreign(): string[] {
		return this.all.flatMap(({ foreign }) => foreign);
	}

	get lost(): string[] {
		return this.all.flatMap(({ lost }) => lost);
	}

	async stop(): Promise<void> {
		await Promise.all(this.all.map((walker) => walker.stop()));
	}

	/** What was written last, read once more. */
	async look(): Promise<void> {
		for (const walker of this.all) await walker.look();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.stop();
	}
}

/** A tag in a slot of each primary. */
export async function tagsOf(cluster: ServerCluster): Promise<string[]> {
	const seen = await seenBy(cluster, cluster.nodes[0]!);
	return cluster.primaries.map((primary) => {
		const { slots } = seen.find(({ node }) => node === primary)!;
		for (let i = 0; ; i++) {
			const slot = keySlot(`{tag${i}}`);
			if (slots.some(([first, last]) => slot >= first && slot <= last)) return `tag${i}`;
		}
	});
}
