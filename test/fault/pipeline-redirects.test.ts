/** A pipeline of which some items are redirected: those alone are sent again, and every reply stands at its item's place. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
	beginMigration,
	finishMigration,
	migrateKeys,
	moveSlot,
	nodeOfSlot,
	type ServerCluster,
	startCluster,
} from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { addressOf } from "../support/addresses.js";
import { ClusterTaps } from "../support/cluster-taps.js";
import { bulk, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import type { FakeNode } from "../support/fake-node.js";

describe("fake nodes", () => {
	let a: FakeNode;
	let b: FakeNode;
	beforeEach(async () => {
		[a, b] = await Promise.all([startFakeClusterNode(), startFakeClusterNode()]);
		for (const node of [a, b]) node.always(["CLUSTER", "SLOTS"], () => slotsOf([a, 0, 16_383]));
		b.always(["ASKING"], "+OK\r\n");
	});
	afterEach(async () => {
		for (const node of [a, b]) await node[Symbol.asyncDispose]();
	});

	/** What a node was asked, topology left out. */
	const asked = (node: FakeNode) => node.commands.filter(([name]) => name !== "CLUSTER").map((args) => args.join(" "));

	describe.each([2, 3] as const)("RESP%i", (protocol) => {
		test("D45 MOVED, ASK, errors and values in one pipeline", async () => {
			a.always(["GET"], ([, key]) => {
				if (key!.startsWith("{moved}")) return `-MOVED ${keySlot(key!)} ${addressOf(b)}\r\n`;
				if (key!.startsWith("{asked}")) return `-ASK ${keySlot(key!)} ${addressOf(b)}\r\n`;
				if (key!.startsWith("{wrong}")) return "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
				return bulk(`a has ${key}`);
			});
			b.always(["GET"], ([, key]) => bulk(`b has ${key}`));
			await using client = await createClient({ nodes: [addressOf(a)], protocol, cluster: { refreshMs: 0 } });
			const keys = Array.from({ length: 40 }, (_, i) => `${["{moved}", "{here}", "{asked}", "{wrong}"][i % 4]}${i}`);
			const pipeline = client.pipeline();
			for (const key of keys) pipeline.get(key);
			const replies = await pipeline.exec();
			for (const [i, key] of keys.entries()) {
				if (i % 4 === 3) expect(replies[i]).toMatchObject({ code: "WRONGTYPE" });
				else expect(replies[i]).toBe(`${i % 4 === 1 ? "a" : "b"} has ${key}`);
			}
			// Each once at a, in order; at b the refused ones alone, those of ASK behind one ASKING each.
			expect(asked(a)).toEqual(keys.map((key) => `GET ${key}`));
			const again = asked(b);
			const ofSlot = (tag: string) => again.filter((line) => line.startsWith(`GET ${tag}`));
			for (const [i, tag] of ["{moved}", "{asked}"].entries()) {
				expect(ofSlot(tag)).toEqual(keys.filter((_, at) => at % 4 === i * 2).map((key) => `GET ${key}`));
			}
			expect(again).toHaveLength(30);
			for (const [i, line] of again.entries()) {
				if (line.startsWith("GET {asked}")) expect(again[i - 1]).toBe("ASKING");
				if (line.startsWith("GET {moved}")) expect(again[i - 1]).not.toBe("ASKING");
			}
			expect(client.stats().redirections).toBe(20);
		});

		test("D45 the commands of a moved slot keep their order", async () => {
			a.always(["INCR"], ([, key]) => `-MOVED ${keySlot(key!)} ${addressOf(b)}\r\n`).always(["SET"], "+OK\r\n");
			let counter = 0;
			b.always(["INCR"], () => `:${++counter}\r\n`);
			await using client = await createClient({ nodes: [addressOf(a)], protocol, cluster: { refreshMs: 0 } });
			const pipeline = client.pipeline();
			for (let i = 0; i < 50; i++) pipeline.incr("{bar}n").set(`{here}${i}`, "v");
			const replies = await pipeline.exec();
			expect(replies).toEqual(Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? i / 2 + 1 : "OK")));
			expect(asked(b)).toEqual(Array(50).fill("INCR {bar}n"));
			expect(asked(a).filter((line) => line.startsWith("SET"))).toHaveLength(50);
		});

		test("D45 a slot that moves in the middle of a pipeline: what was executed is not sent again", async () => {
			let counter = 0;
			// The first ten are executed here, the rest is sent on.
			a.always(["INCR"], ([, key]) => (counter < 10 ? `:${++counter}\r\n` : `-MOVED ${keySlot(key!)} ${addressOf(b)}\r\n`));
			b.always(["INCR"], () => `:${++counter}\r\n`);
			await using client = await createClient({ nodes: [addressOf(a)], protocol, cluster: { refreshMs: 0 } });
			const pipeline = client.pipeline();
			for (let i = 0; i < 30; i++) pipeline.incr("{bar}n");
			expect(await pipeline.exec()).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
			expect(asked(a)).toHaveLength(30);
			expect(asked(b)).toHaveLength(20);
		});
	});
});

describe("a real cluster", () => {
	let cluster: ServerCluster;
	beforeAll(async () => {
		cluster = await startCluster();
	});
	afterAll(() => cluster?.stop());

	test.each([2, 3] as const)("D45 one slot moved, one half moved, the rest where it was, RESP%i", async (protocol) => {
		const source = cluster.primaries[0]!;
		const target = cluster.primaries[1]!;
		const tags = { moved: "{bar}", half: ownTag("half"), stays: ownTag("stays") };
		expect(await nodeOfSlot(cluster, keySlot(tags.moved))).toBe(source);
		await using taps = await ClusterTaps.start(cluster.primaries);
		await using client = await createClient({ url: taps.url, protocol, cluster: { natMap: taps.natMap, refreshMs: 0 } });
		await client.command("DBSIZE");
		const there = Array.from({ length: 10 }, (_, i) => `${tags.half}there${i}`);
		const here = Array.from({ length: 10 }, (_, i) => `${tags.half}here${i}`);
		await source.raw("MSET", ...[...there, ...here].flatMap((key) => [key, `v ${key}`]));
		await moveSlot(cluster, keySlot(tags.moved), target);
		await beginMigration(source, target, keySlot(tags.half));
		try {
			await migrateKeys(source, target, there);
			taps.clear();
			const pipeline = client.pipeline();
			const expected: unknown[] = [];
			for (let i = 0; i < 10; i++) {
				pipeline.incr(`${tags.moved}n`).get(there[i]!).get(here[i]!).incr(`${tags.stays}n`).incr(`${tags.half}new`);
				expected.push(i + 1, `v ${there[i]}`, `v ${here[i]}`, i + 1, i + 1);
			}
			expect(await pipeline.exec()).toEqual(expected);
			expect(taps.commands(source).flat()).toHaveLength(50);
			const again = taps.commands(target);
			const lines = again.flat().map((args) => args.join(" "));
			expect(lines.filter((line) => line === "ASKING")).toHaveLength(20);
			expect(lines).toHaveLength(10 + 2 * 20);
			for (const commands of again) {
				for (const [i, [name, key]] of commands.entries()) {
					if (name !== "ASKING") expect(commands[i - 1]?.[0] === "ASKING").toBe(key!.startsWith(tags.half));
				}
			}
			expect(client.stats()).toMatchObject({ redirections: 30, reconnects: 0 });
		} finally {
			await finishMigration(cluster, source, target, keySlot(tags.half));
			for (const tag of [tags.half, tags.moved]) await moveSlot(cluster, keySlot(tag), source);
			await client.delMany([...there, ...here, `${tags.moved}n`, `${tags.stays}n`, `${tags.half}new`]);
		}
	});

	/** A tag of a slot that the first primary serves. */
	function ownTag(name: string): string {
		for (let i = 0; ; i++) if (keySlot(`{${name}${i}}`) < 5000) return `{${name}${i}}`;
	}
});
