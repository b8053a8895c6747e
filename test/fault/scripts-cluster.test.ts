/** Scripts where slots move and nodes change: each node has scripts of its own, and forgets them when it likes. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
	beginMigration,
	type ClusterNode,
	failOver,
	finishMigration,
	migrateKeys,
	moveSlot,
	nodeOfSlot,
	type ServerCluster,
	startCluster,
	waitUntil,
} from "../../fixtures/servers.js";
import { type Client, createClient, defineScript, type TypedScript } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { ClusterTaps } from "../support/cluster-taps.js";
import { rejectionOf } from "../support/secrets.js";

let cluster: ServerCluster;
beforeAll(async () => {
	cluster = await startCluster({ replicas: 3, nodeTimeoutMs: 3000 });
});
afterAll(() => cluster?.stop());

let defined = 0;
const fresh = (lua: string, readOnly = false): TypedScript<unknown> =>
	defineScript({ keys: "any", lua: `${lua} -- ${++defined}`, readOnly, reply: (reply) => reply });
const increase = () => fresh("return redis.call('INCRBY', KEYS[1], ARGV[1])");

/** Runs the same against a client of each protocol, side by side, through taps before every node. */
async function clients(
	options: { readFrom?: "replica" } = {},
): Promise<{ taps: ClusterTaps; clients: Client[] } & AsyncDisposable> {
	const taps = await ClusterTaps.start(cluster.nodes);
	const both = await Promise.all(
		([2, 3] as const).map((protocol) =>
			createClient({ url: taps.url, protocol, cluster: { natMap: taps.natMap, refreshMs: 0, minRefreshMs: 100, ...options } }),
		),
	);
	return {
		taps,
		clients: both,
		async [Symbol.asyncDispose]() {
			await Promise.all(both.map((client) => client.close()));
			await taps[Symbol.asyncDispose]();
		},
	};
}

/** What a node was sent of scripts, ASKING included, on all of its connections. */
const sent = (taps: ClusterTaps, node: ClusterNode): string[][] =>
	taps
		.commands(node)
		.map((commands) => commands.map(([name]) => name!).filter((name) => /^(EVAL|ASKING)/.test(name)))
		.filter((names) => names.length > 0);

describe("while a slot is on its way", () => {
	const slot = keySlot("{bar}");
	let source: ClusterNode;
	let target: ClusterNode;
	beforeAll(async () => {
		source = await nodeOfSlot(cluster, slot);
		target = cluster.primaries.find((node) => node !== source)!;
	});

	async function halfMoved(use: () => Promise<void>): Promise<void> {
		await source.raw("MSET", "{bar}here", 10, "{bar}gone", 20);
		await beginMigration(source, target, slot);
		try {
			await migrateKeys(source, target, ["{bar}gone"]);
			await use();
		} finally {
			await finishMigration(cluster, source, target, slot);
			await moveSlot(cluster, slot, source);
			await source.raw("DEL", "{bar}here", "{bar}gone", "{bar}new");
		}
	}

	test("D51 D17 a key that is at the target already: ASKING and the text, in one go, whoever knew the script", async () => {
		await using all = await clients();
		await halfMoved(async () => {
			for (const [at, client] of all.clients.entries()) {
				const script = increase();
				all.taps.clear();
				expect(await client.run(script, ["{bar}gone"], [1])).toBe(21 + 6 * at);
				expect(await client.run(script, ["{bar}here"], [1])).toBe(11 + at);
				expect(await client.run(script, ["{bar}gone"], [2])).toBe(23 + 6 * at);
				expect(await client.run(script, ["{bar}gone"], [3])).toBe(26 + 6 * at);
				expect(sent(all.taps, target).flat()).toEqual(["ASKING", "EVAL", "ASKING", "EVAL", "ASKING", "EVAL"]);
			}
		});
	});

	test("D51 D17 the target forgets its scripts: it never was trusted with a hash, and the order holds", async () => {
		await using all = await clients();
		await halfMoved(async () => {
			for (const client of all.clients) {
				const script = increase();
				await client.run(script, ["{bar}gone"], [0]);
				await target.raw("SCRIPT", "FLUSH");
				const before = Number(await client.get("{bar}gone"));
				all.taps.clear();
				const calls = [client.run(script, ["{bar}gone"], [1]), client.run(script, ["{bar}gone"], [1])];
				expect(await Promise.all(calls)).toEqual([before + 1, before + 2]);
				expect(await Promise.all([client.run(script, ["{bar}gone"], [0]), client.incr("{bar}gone")])).toEqual([
					before + 2,
					before + 3,
				]);
				for (const names of sent(all.taps, target)) {
					for (const [at, name] of names.entries()) if (name !== "ASKING") expect(names[at - 1], names.join(" ")).toBe("ASKING");
				}
				expect(sent(all.taps, target).flat()).toEqual(["ASKING", "EVAL", "ASKING", "EVAL", "ASKING", "EVAL", "ASKING"]);
			}
		});
	});

	test("D45 D51 in a pipeline and among other writes: every key's commands in order, each executed once", async () => {
		await using all = await clients();
		await halfMoved(async () => {
			for (const client of all.clients) {
				const script = fresh("return redis.call('APPEND', KEYS[1], ARGV[1])");
				const keys = ["{bar}here", "{bar}gone", "{bar}new"];
				await client.pipeline().set(keys[0]!, "").set(keys[1]!, "").set(keys[2]!, "").exec();
				for (let round = 0; round < 3; round++) {
					const pipeline = client.pipeline();
					for (const key of keys) pipeline.run(script, [key], ["a"]).command("APPEND", key, "b").run(script, [key], ["c"]);
					const base = 3 * round;
					expect(await pipeline.exec()).toEqual(keys.flatMap(() => [base + 1, base + 2, base + 3]));
					for (const key of keys) expect(await client.get(key)).toBe("abc".repeat(round + 1));
				}
			}
		});
	});

	test("H08 D45 the text that goes first in a pipeline is redirected: calls of other slots bring their own, and keep their places", async () => {
		const near = await keyBeside(source);
		await using all = await clients();
		for (const client of all.clients) await client.get(near);
		await moveSlot(cluster, slot, target);
		try {
			for (const client of all.clients) {
				await source.raw("DEL", near);
				const script = fresh("return redis.call('APPEND', KEYS[1], ARGV[1])");
				const pipeline = client.pipeline().run(script, ["{bar}away"], ["a"]);
				pipeline.run(script, [near], ["a"]).command("APPEND", near, "b").run(script, [near], ["c"]).get(near);
				expect((await pipeline.exec()).slice(1)).toEqual([1, 2, 3, "abc"]);
				await target.raw("DEL", "{bar}away");
			}
		} finally {
			await moveSlot(cluster, slot, source);
		}
	});

	/** A key of another slot of the same node. */
	async function keyBeside(node: ClusterNode): Promise<string> {
		for (let i = 0; ; i++)
			if (keySlot(`near:${i}`) !== slot && (await nodeOfSlot(cluster, keySlot(`near:${i}`))) === node) return `near:${i}`;
	}

	test("D51 a slot that has moved: the new owner is sent the text at once", async () => {
		await using all = await clients();
		const scripts = all.clients.map(increase);
		for (const [at, client] of all.clients.entries()) await client.run(scripts[at]!, ["{bar}moved"], [1]);
		await moveSlot(cluster, slot, target);
		try {
			all.taps.clear();
			for (const [at, client] of all.clients.entries()) {
				const calls = [
					client.run(scripts[at]!, ["{bar}moved"], [1]),
					client.get("{bar}moved"),
					client.run(scripts[at]!, ["{bar}moved"], [1]),
				];
				expect(await Promise.all(calls)).toEqual([3 + 2 * at, `${3 + 2 * at}`, 4 + 2 * at]);
			}
			for (const names of sent(all.taps, target)) expect(names).toEqual(["EVAL", "EVALSHA"]);
			expect(sent(all.taps, target)).toHaveLength(2);
		} finally {
			await moveSlot(cluster, slot, source);
		}
	});

	test("H09 a MOVED or ASK that a script made up, of a slot that is not its own, is not followed", async () => {
		await using all = await clients();
		for (const client of all.clients) {
			const other = fresh("redis.call('INCR', KEYS[1]); return redis.error_reply('MOVED 1 127.0.0.1:1')");
			expect(await rejectionOf(client.run(other, ["{bar}n"]))).toMatchObject({ code: "MOVED", maybeExecuted: true });
			const keyless = fresh("return redis.error_reply('ASK 5061 127.0.0.1:1')");
			expect(await rejectionOf(client.run(keyless))).toMatchObject({ code: "ASK", maybeExecuted: true });
		}
		expect(await source.raw("GET", "{bar}n")).toBe("2");
	});
});

test("D52 a script that reaches for a key of another node: its error is the caller's, and the map is looked at", async () => {
	await using all = await clients();
	const away = ["a", "b", "c", "d", "e", "f"];
	for (const client of all.clients) {
		const home = await nodeOfSlot(cluster, keySlot("{bar}"));
		const foreign = await firstForeign(away, home);
		const refreshes = all.taps.refreshes();
		const script = fresh("return redis.call('GET', ARGV[1])");
		const error = await rejectionOf(client.run(script, ["{bar}"], [foreign]));
		expect(error).toMatchObject({ code: "ERR", message: expect.stringMatching(/non local key/), maybeExecuted: true });
		await waitUntil("a refresh", () => all.taps.refreshes() > refreshes || "none yet");
	}
});

async function firstForeign(keys: string[], home: ClusterNode): Promise<string> {
	for (const key of keys) if ((await nodeOfSlot(cluster, keySlot(key))) !== home) return key;
	throw new Error("every key is at home");
}

test("H11 read-only scripts and functions go to replicas where reads do; what a replica does not know it is sent, and nothing else is", async () => {
	await using all = await clients({ readFrom: "replica" });
	const keys = Array.from({ length: 30 }, (_, i) => `replica:${i}`);
	const code =
		"#!lua name=look\nredis.register_function{function_name='look', callback=function(keys) return redis.call('GET', keys[1]) end, flags={'no-writes'}}";
	for (const client of all.clients) {
		await client.setMany(keys.map((key) => [key, `v ${key}`] as const));
		await client.functionLoad(code, { replace: true });
		for (const primary of cluster.primaries) await primary.raw("WAIT", 1, 5000);
		const script = fresh("return redis.call('GET', KEYS[1])", true);
		const writing = increase();
		await waitUntil("reads at each replica", async () => {
			all.taps.clear();
			await client.mget(keys);
			return cluster.replicas.every((node) => all.taps.commands(node).flat().length > 0) || "not yet";
		});
		all.taps.clear();
		for (let round = 0; round < 2; round++) {
			const replies = await Promise.all(keys.map((key) => client.run(script, [key])));
			expect(replies).toEqual(keys.map((key) => `v ${key}`));
		}
		for (const node of cluster.replicas) {
			const names = new Set(sent(all.taps, node).flat());
			expect(names).toEqual(new Set(["EVALSHA_RO", "EVAL_RO"]));
		}
		for (const node of cluster.primaries) expect(sent(all.taps, node)).toEqual([]);
		const piped = client.pipeline();
		for (const key of keys) piped.run(script, [key]).evalRo("return redis.call('GET', KEYS[1])", [key]).fcallRo("look", [key]);
		expect(await piped.exec()).toEqual(keys.flatMap((key) => [`v ${key}`, `v ${key}`, `v ${key}`]));
		for (const node of cluster.primaries) expect(sent(all.taps, node)).toEqual([]);
		await client.run(writing, ["replica:counter"], [1]);
		await client.eval("return redis.call('GET', KEYS[1])", [keys[0]!]);
		for (const node of cluster.replicas)
			expect(
				sent(all.taps, node)
					.flat()
					.filter((name) => !name.endsWith("_RO")),
			).toEqual([]);
		// A replica forgets its scripts: it alone is sent the text again.
		for (const node of cluster.replicas) await node.raw("SCRIPT", "FLUSH");
		expect(await Promise.all(keys.map((key) => client.run(script, [key])))).toEqual(keys.map((key) => `v ${key}`));
		for (const node of cluster.primaries)
			expect(
				sent(all.taps, node)
					.flat()
					.filter((name) => name.endsWith("_RO")),
			).toEqual([]);
	}
	await all.clients[0]!.functionFlush();
});

test("H10 D51 a failover: the new primary has no script, and gets it; nothing is lost, nothing runs twice", async () => {
	await using all = await clients();
	const primary = await nodeOfSlot(cluster, keySlot("{bar}"));
	const replica = await replicaOf(primary);
	await primary.raw("DEL", "{bar}0", "{bar}1");
	const scripts = all.clients.map(increase);
	let acknowledged = 0;
	let unknown = 0;
	let running = true;
	const loads = all.clients.map(async (client, at) => {
		while (running) {
			await client.run(scripts[at]!, [`{bar}${at}`], [1]).then(
				() => {
					acknowledged += 1;
				},
				(error) => {
					expect(error).toMatchObject({ maybeExecuted: true });
					unknown += 1;
				},
			);
		}
	});
	await waitUntil("both run", () => acknowledged > 50 || `${acknowledged}`);
	await failOver(cluster, replica);
	const promoted = acknowledged;
	await waitUntil("both go on", () => acknowledged > promoted + 50 || `${acknowledged}`);
	running = false;
	await Promise.all(loads);
	const counted = Number(await all.clients[0]!.get("{bar}0")) + Number(await all.clients[0]!.get("{bar}1"));
	expect(counted).toBeGreaterThanOrEqual(acknowledged);
	expect(counted).toBeLessThanOrEqual(acknowledged + unknown);
	expect(
		sent(all.taps, replica)
			.flat()
			.filter((name) => name === "EVAL").length,
	).toBeLessThanOrEqual(4);
	for (const script of scripts) expect(await replica.raw("SCRIPT", "EXISTS", script.sha1)).toEqual([1]);
});

async function replicaOf(primary: ClusterNode): Promise<ClusterNode> {
	const lines = String(await primary.raw("CLUSTER", "NODES")).split("\n");
	const found = cluster.nodes.find((node) => lines.some((line) => line.startsWith(node.id) && line.split(" ")[3] === primary.id));
	if (found === undefined) throw new Error("the primary has no replica");
	return found;
}
