/** ASK leads to a node that cannot serve: every attempt starts again at the source, which alone knows what became of the migration. */
import { createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
	beginMigration,
	type ClusterNode,
	finishMigration,
	migrateKeys,
	nodeOfSlot,
	type ServerCluster,
	startCluster,
	waitUntil,
} from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { addressOf } from "../support/addresses.js";
import { commandStats } from "../support/command-stats.js";
import { bulk, gets, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import { rejectionOf } from "../support/secrets.js";

const SLOT = 5061; // of "{bar}…"

describe("a real target", () => {
	let cluster: ServerCluster;
	let source: ClusterNode;
	let target: ClusterNode;
	beforeEach(async () => {
		cluster = await startCluster({ nodeTimeoutMs: 15_000 });
		source = await nodeOfSlot(cluster, SLOT);
		target = cluster.primaries.find((node) => node !== source)!;
		await source.raw("SET", "{bar}moved", "v");
		await beginMigration(source, target, SLOT);
		await migrateKeys(source, target, ["{bar}moved"]);
		await source.raw("CONFIG", "RESETSTAT");
	});
	afterEach(() => cluster?.stop());

	/** How often the source sent a command of that name away. */
	async function refusals(name: string): Promise<number> {
		return (await commandStats(source, name)).rejected;
	}

	test.each([
		["is down, then loads its data", ["--key-load-delay", "500", "--loading-process-events-interval-bytes", "1024"]],
		["is down, then back at once", []],
	])("D19 it %s: callers wait, everybody else does not", async (_, args) => {
		const tag = ownTag(target);
		await target.raw("EVAL", "for i=1,1500 do redis.call('set', KEYS[1]..i, i) end", 1, tag);
		await target.raw("SAVE");
		await using client = await createClient({
			url: cluster.url,
			timeouts: { commandMs: 20_000 },
			retry: { maxAttempts: 200 },
			cluster: { minRefreshMs: 50 },
		});
		expect(await client.get("{bar}moved")).toBe("v");
		await source.raw("CONFIG", "RESETSTAT");
		await target.kill();
		const read = client.get("{bar}new");
		const written = client.incr("{bar}counter");
		await waitUntil("a second attempt at the source", async () => {
			const [get, incr] = [await refusals("get"), await refusals("incr")];
			return (get > 1 && incr > 1) || `${get} GET and ${incr} INCR came to the source`;
		});
		const third = cluster.primaries.find((node) => node !== source && node !== target)!;
		expect(await client.with({ timeoutMs: 2000 }).set(ownTag(third), "v")).toBe("OK");
		await target.restart({ args, until: "listening" });
		expect(await read).toBeNull();
		expect(await written).toBe(1);
		expect(await client.get("{bar}counter")).toBe("1");
		// Data was never saved with the key that had been moved: what matters is that everybody agrees.
		expect(await client.get(`${tag}7`)).toBe("7");
		// The source was asked each time: ASK was not remembered.
		expect(await refusals("get")).toBeGreaterThan(1);
		await finishMigration(cluster, source, target, SLOT);
		expect(await client.get("{bar}counter")).toBe("1");
	});

	function ownTag(node: ClusterNode): string {
		const share = 16_384 / 3;
		const index = cluster.primaries.indexOf(node);
		for (let i = 0; ; i++) {
			const slot = keySlot(`{own${i}}`);
			if (slot > index * share + 1 && slot < (index + 1) * share - 1) return `{own${i}}`;
		}
	}
});

test("D19 the migration is called off while its target is down: the source serves", async () => {
	await using source = await startFakeClusterNode();
	source.always(["CLUSTER", "SLOTS"], () => slotsOf([source, 0, 16_383]));
	const dead = await deadAddress();
	let asks = 0;
	source.always(["GET"], () => (asks++ < 3 ? `-ASK ${SLOT} ${dead}\r\n` : bulk("from the source")));
	await using client = await createClient({ nodes: [addressOf(source)], cluster: { refreshMs: 0 } });
	expect(await client.get("bar")).toBe("from the source");
	expect(gets(source)).toHaveLength(4);
});

test("D19 ASKING that is refused for LOADING is the answer: the MOVED behind it, of a node that knows of no ASKING, is not", async () => {
	await using source = await startFakeClusterNode();
	await using target = await startFakeClusterNode();
	source.always(["CLUSTER", "SLOTS"], () => slotsOf([source, 0, 16_383]));
	source.always(["GET"], `-ASK ${SLOT} ${addressOf(target)}\r\n`);
	let loading = true;
	target.always(["ASKING"], () => {
		// Three questions while it loads.
		if (gets(target).length >= 3) loading = false;
		return loading ? "-LOADING Redis is loading the dataset in memory\r\n" : "+OK\r\n";
	});
	target.always(["GET"], () => (loading ? `-MOVED ${SLOT} ${addressOf(source)}\r\n` : bulk("v")));
	await using client = await createClient({ nodes: [addressOf(source)], cluster: { refreshMs: 0 } });
	expect(await client.get("bar")).toBe("v");
	expect(gets(source)).toHaveLength(4);
	expect(target.commands.map(([name]) => name)).toEqual(Array(4).fill(["ASKING", "GET"]).flat());
	// Each ASK was followed, and nothing else.
	expect(client.stats()).toMatchObject({ redirections: 4, retries: 3 });
});

test("D19 a target that loads for ever: the error at the deadline says so, and which node", async () => {
	await using source = await startFakeClusterNode();
	await using target = await startFakeClusterNode();
	source.always(["CLUSTER", "SLOTS"], () => slotsOf([source, 0, 16_383]));
	source.always(["GET"], `-ASK ${SLOT} ${addressOf(target)}\r\n`).always(["GET", "foo"], bulk("v"));
	target.always(["ASKING"], "+OK\r\n").always(["GET"], "-LOADING Redis is loading the dataset in memory\r\n");
	await using client = await createClient({ nodes: [addressOf(source)], cluster: { refreshMs: 0 } });
	const error = await rejectionOf(client.with({ timeoutMs: 600 }).get("bar"));
	expect(await client.get("foo")).toBe("v");
	expect(error).toMatchObject({ code: "TIMEOUT" });
	expect(["LOADING", "ASK"]).toContain((error.cause as { code?: string } | undefined)?.code);
	expect(error.message).toContain(addressOf(source));
	expect(gets(source).length).toBeLessThanOrEqual(16);
});

async function deadAddress(): Promise<string> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as { port: number };
	await new Promise((resolve) => server.close(resolve));
	return `127.0.0.1:${port}`;
}
