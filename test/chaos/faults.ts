/** What can happen to a cluster and to the network before it, each as one object: how it begins, and how it ends. */
import { setTimeout as sleep } from "node:timers/promises";
import { failOver, isPromoted, moveSlots } from "../../fixtures/servers.js";
import { keySlot } from "../../src/slot.js";
import type { ProxiedConnection } from "../support/proxy.js";
import { Random } from "../support/random.js";
import type { Step } from "./schedule.js";
import { CLIENTS, channelsOf, keysOf, SHARDS, streamsOf } from "./shards.js";
import type { World } from "./world.js";

export interface Fault {
	/** Whom it concerns: the step's shard, that and the other one, all, or nobody, though it happens in the step's shard. */
	shards: "one" | "two" | "all" | "none";
	/** A primary stops or dies, so that writes may be lost. */
	mayLose?: boolean;
	/** Other servers serve the shards afterwards, or meanwhile. */
	moves?: boolean;
	/** Nothing that a service would notice for more than a moment. */
	light?: boolean;
	/** Begins; answers how it ends, if it does not end by itself. */
	begin(world: World, step: Step, clients: Clients): Promise<() => Promise<void>>;
}

/** What a fault may do to the client processes themselves. */
export interface Clients {
	block(ms: number): Promise<void>;
}

const over = async (): Promise<void> => {};
const MOVED_SLOTS = 12;
/** Longer than any recovery may take: a client that needs it to be rid of a dead connection turns the run red. */
const ENDED_MS = 20_000;
/** Where it takes a byte of theirs: those that are idle for so long will not send one. */
const BUSY_MS = 2000;
const PUSH = Buffer.from(">3\r\n$7\r\nforeign\r\n$3\r\nfoo\r\n:1\r\n");

/** A fault of the network before the shard's primary, for every connection that a client has or opens to it. */
function network(
	ms: (force: number) => number,
	begin: (connection: ProxiedConnection, step: Step, random: Random) => void,
	end: (connection: ProxiedConnection) => void,
): Pick<Fault, "shards" | "begin"> {
	return {
		shards: "one",
		async begin(world, step) {
			const random = new Random(step.seed);
			const node = await world.primaryOf(step.shard);
			const affected: ProxiedConnection[] = [];
			const affect = (connection: ProxiedConnection): void => {
				affected.push(connection);
				begin(connection, step, random);
			};
			for (const connection of world.clients(node)) affect(connection);
			world.onConnection(node, affect);
			return async () => {
				await sleep(ms(step.force));
				world.onConnection(node, undefined);
				// Not only those that are known as clients by now: the first bytes of one may not have passed.
				for (const connection of affected) end(connection);
			};
		},
	};
}

/** Something done once to every connection that a client has to the shard's primary, which ends it, perhaps a little later. */
function once(act: (connection: ProxiedConnection, random: Random) => void, endedMs = ENDED_MS): Pick<Fault, "shards" | "begin"> {
	return {
		shards: "one",
		async begin(world, step) {
			const random = new Random(step.seed);
			const connections = world.clients(await world.primaryOf(step.shard));
			for (const connection of connections) act(connection, random);
			return async () => {
				await Promise.race([Promise.all(connections.map(({ ended }) => ended)), sleep(endedMs, undefined, { ref: false })]);
				// An idle one does not come to the byte at which it is cut, and nobody may see that it is dead.
				for (const connection of connections) connection.cut();
			};
		},
	};
}

const between =
	(least: number, most: number) =>
	(force: number): number =>
		least + force * (most - least);

export const faults: Readonly<Record<string, Fault>> = {
	"connections reset": { light: true, ...once((connection) => connection.cut("rst")) },
	"connections ended": { light: true, ...once((connection) => connection.cut("fin")) },
	"cut inside a reply": {
		light: true,
		...once(({ toClient }, random) => toClient.cutAt(toClient.forwarded + random.between(1, 400)), BUSY_MS),
	},
	"cut inside a command": once(
		({ toServer }, random) => toServer.cutAt(toServer.forwarded + random.between(1, 400), "fin"),
		BUSY_MS,
	),
	"half-open connections": once((connection) => connection.halfOpen()),
	jitter: {
		light: true,
		...network(
			() => 3000,
			({ toClient, toServer }, { force }, random) => {
				toClient.delay(() => random.between(0, between(10, 80)(force)));
				toServer.delay(() => random.between(0, between(10, 40)(force)));
			},
			({ toClient, toServer }) => [toClient, toServer].map((flow) => flow.delay(0)),
		),
	},
	throttled: network(
		() => 3000,
		({ toClient, toServer }, { force }) => [toClient, toServer].map((flow) => flow.throttle(between(400_000, 100_000)(force))),
		({ toClient, toServer }) => [toClient, toServer].map((flow) => flow.throttle(Number.POSITIVE_INFINITY)),
	),
	"split bytes": {
		light: true,
		...network(
			() => 2000,
			({ toClient, toServer }, _step, random) => {
				toClient.split(random.between(50, 300), random.between(1, 5), random.between(300, 900));
				toServer.split(random.between(50, 300), random.between(1, 5), random.between(300, 900));
			},
			({ toClient, toServer }) => [toClient, toServer].map((flow) => flow.split()),
		),
	},
	"silence both ways": network(
		between(500, 4000),
		({ toClient, toServer }) => [toClient, toServer].map((flow) => flow.stall()),
		({ toClient, toServer }) => [toClient, toServer].map((flow) => flow.resume()),
	),
	"replies held": network(
		between(500, 4000),
		({ toClient }) => toClient.stall(),
		({ toClient }) => toClient.resume(),
	),
	"replies lost": {
		light: true,
		...network(
			between(50, 500),
			({ toClient }) => toClient.stall(),
			(connection) => connection.cut("rst"),
		),
	},
	"connections refused": {
		shards: "one",
		async begin(world, { shard, force }) {
			const node = await world.primaryOf(shard);
			const proxy = world.front.proxy(node);
			proxy.refuse();
			for (const connection of world.clients(node)) connection.cut("rst");
			return async () => {
				await sleep(between(200, 2500)(force));
				await proxy.welcome();
			};
		},
	},
	"foreign pushes": {
		light: true,
		shards: "one",
		async begin(world, { shard }) {
			const node = await world.primaryOf(shard);
			return async () => {
				for (let i = 0; i < 40; i++) {
					for (const each of world.clients(node)) if (world.protocolOf(each) === 3) each.toClient.inject(PUSH);
					await sleep(50);
				}
			};
		},
	},
	"CLIENT KILL": {
		light: true,
		shards: "one",
		async begin(world, { shard }) {
			const node = await world.primaryOf(shard);
			for (const type of ["normal", "pubsub"]) await node.raw("CLIENT", "KILL", "TYPE", type, "SKIPME", "yes");
			return over;
		},
	},
	"CLIENT PAUSE": {
		shards: "one",
		async begin(world, { shard, force }) {
			const ms = Math.round(between(300, 2500)(force));
			await (await world.primaryOf(shard)).raw("CLIENT", "PAUSE", ms, force > 0.5 ? "ALL" : "WRITE");
			return () => sleep(ms);
		},
	},
	"primary stands still for a moment": {
		light: true,
		shards: "one",
		async begin(world, { shard, force }) {
			const node = await world.primaryOf(shard);
			await node.pause();
			return async () => {
				await sleep(between(100, 700)(force));
				await node.resume();
			};
		},
	},
	"primary stopped": {
		shards: "one",
		mayLose: true,
		moves: true,
		async begin(world, { shard, force }) {
			const [primary, replica] = [await world.primaryOf(shard), await world.replicaOf(shard)];
			await primary.pause();
			return async () => {
				await isPromoted(world.cluster, replica);
				// At once it may still answer what was sent to it; later its clients have left.
				await sleep(between(0, 2500)(force));
				await primary.resume();
			};
		},
	},
	"primary killed": {
		shards: "one",
		mayLose: true,
		moves: true,
		async begin(world, { shard }) {
			const [primary, replica] = [await world.primaryOf(shard), await world.replicaOf(shard)];
			await primary.kill();
			return async () => {
				await isPromoted(world.cluster, replica);
				await world.front.restart(primary);
			};
		},
	},
	"replica stopped": {
		shards: "none",
		async begin(world, { shard, force }) {
			const replica = await world.replicaOf(shard);
			await replica.pause();
			return async () => {
				await sleep(between(200, 3000)(force));
				await replica.resume();
			};
		},
	},
	"replica killed": {
		shards: "none",
		async begin(world, { shard }) {
			const replica = await world.replicaOf(shard);
			await replica.kill();
			return () => world.front.restart(replica);
		},
	},
	"failover by hand": {
		light: true,
		moves: true,
		shards: "one",
		async begin(world, { shard }) {
			// Whoever succeeds afterwards has found the new primary.
			await failOver(world.cluster, await world.replicaOf(shard));
			return over;
		},
	},
	"slots moved there and back": {
		moves: true,
		shards: "two",
		async begin(world, { shard, other, seed }) {
			const [source, target] = [await world.primaryOf(shard), await world.primaryOf(other)];
			const clients = Array.from({ length: CLIENTS }, (_, client) => client);
			const keys = clients.flatMap((client) => [...keysOf(client)[shard]!.registers, ...keysOf(client)[shard]!.counters]);
			const followed = clients.flatMap((client) => [channelsOf(client).sharded[shard]!, streamsOf(client)[shard]!]);
			const random = new Random(seed);
			const some = (names: string[], count: number): number[] =>
				random.shuffled([...new Set(names.map((name) => keySlot(name)))]).slice(0, count);
			const slots = [...new Set([...some(followed, MOVED_SLOTS / 3), ...some(keys, (MOVED_SLOTS * 2) / 3)])];
			return async () => {
				await moveSlots(world.cluster, slots, target);
				await moveSlots(world.cluster, slots, source);
			};
		},
	},
	"clients stand still": {
		shards: "all",
		async begin(_world, { force }, clients) {
			await clients.block(between(200, 1500)(force));
			return over;
		},
	},
};

export function shardsOf({ shards }: Fault, { shard, other }: Step): number[] {
	if (shards === "none") return [];
	if (shards === "all") return Array.from({ length: SHARDS }, (_, each) => each);
	return shards === "one" ? [shard] : [shard, other];
}
