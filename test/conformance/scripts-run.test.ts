/** `run`: by hash first, with the text where the server does not have it; the same on every topology and in both protocols. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ServerCluster, type ServerNode, startCluster, startStandalone } from "../../fixtures/servers.js";
import { type Client, createClient, defineScript, type Script, type TypedScript } from "../../src/index.js";
import { ClusterTaps } from "../support/cluster-taps.js";
import { rejectionOf } from "../support/secrets.js";

const increaseText = "return redis.call('INCRBY', KEYS[1], ARGV[1])";
let defined = 0;
/** Unknown to every server and connection: no two tests have a script in common. */
const fresh = (lua: string): string => `${lua} -- ${++defined}`;

let standalone: ServerNode;
let cluster: ServerCluster;
beforeAll(async () => {
	[standalone, cluster] = await Promise.all([startStandalone(), startCluster()]);
});
afterAll(async () => {
	await standalone?.stop();
	await cluster?.stop();
});

describe.each(["standalone", "cluster"] as const)("on a %s server", (topology) => {
	describe.each([2, 3] as const)("RESP%i", (protocol) => {
		let nodes: readonly ServerNode[];
		let taps: ClusterTaps;
		let client: Client;
		let increase: TypedScript<number, string>;
		let words: Script;
		let peek: Script;

		beforeAll(async () => {
			nodes = topology === "cluster" ? cluster.primaries : [standalone];
			taps = await ClusterTaps.start(nodes);
			const where =
				topology === "cluster" ? { url: taps.url, cluster: { natMap: taps.natMap } } : { url: taps.proxy(standalone).url };
			client = await createClient({ ...where, protocol });
		});
		afterAll(async () => {
			await client?.close();
			await taps?.[Symbol.asyncDispose]();
		});
		beforeEach(async () => {
			for (const node of nodes) await node.raw("FLUSHALL");
			taps.clear();
			increase = defineScript({ keys: 1, lua: fresh(increaseText), reply: Number });
			words = defineScript({ keys: "any", lua: fresh("return {KEYS, ARGV}") });
			peek = defineScript({ keys: 1, lua: fresh("return redis.call('GET', KEYS[1])"), readOnly: true });
		});

		/** Names of what was sent, of the scripts alone. */
		const sent = (): string[] =>
			nodes
				.flatMap((node) => taps.commands(node).flat())
				.map(([name]) => name!)
				.filter((name) => /^(EVAL|FCALL)/.test(name));

		test("H07 EVALSHA, NOSCRIPT, EVAL with the same keys and arguments; EVALSHA alone from then on", async () => {
			expect(await client.run(increase, ["{k}n"], [5])).toBe(5);
			expect(sent()).toEqual(["EVALSHA", "EVAL"]);
			const [first, second] = nodes.flatMap((node) => taps.commands(node).flat()).filter(([name]) => name!.startsWith("EVAL"));
			expect(first).toEqual(["EVALSHA", increase.sha1, "1", "{k}n", "5"]);
			expect(second).toEqual(["EVAL", `${increaseText} -- ${defined - 2}`, "1", "{k}n", "5"]);
			for (let i = 0; i < 5; i++) await client.run(increase, ["{k}n"], [1]);
			expect(sent()).toEqual(["EVALSHA", "EVAL", ...Array(5).fill("EVALSHA")]);
			expect(await client.get("{k}n")).toBe("10");
		});

		test("H07 a server that has it is not sent the text; a hash with a server that forgot it is", async () => {
			for (const node of nodes) await node.raw("SCRIPT", "LOAD", `${increaseText} -- ${defined - 2}`);
			expect(await client.run(increase, ["n"], [5])).toBe(5);
			expect(await client.run(increase, ["n"], [5])).toBe(10);
			expect(sent()).toEqual(["EVALSHA", "EVALSHA"]);
			for (const node of nodes) await node.raw("SCRIPT", "FLUSH");
			expect(await client.run(increase, ["n"], [5])).toBe(15);
			expect(sent()).toEqual(["EVALSHA", "EVALSHA", "EVALSHA", "EVAL"]);
			expect(client.stats().retries).toBeGreaterThan(0);
		});

		test("H07 texts of any bytes, keys and arguments as they are", async () => {
			const unicode = defineScript({ keys: 1, lua: fresh("return {KEYS[1], 'ключ 日本 😀', ARGV[1]}") });
			const lua = Buffer.from(fresh("return '??'"));
			lua.set([0xff, 0xfe], lua.indexOf("??"));
			const bytes = defineScript({ keys: 0, lua });
			const long = defineScript({ keys: 1, lua: fresh(`${increaseText} -- ${"é".repeat(50_000)}`) });
			expect(await client.run(long, ["k"], [1])).toBe(1);
			expect(await client.pipeline().run(long, ["k"], [1]).exec()).toEqual([2]);
			taps.clear();
			const key = Buffer.from([0x7b, 0x6b, 0x7d, 0xff, 0x0d, 0x0a, 0x00]);
			for (let i = 0; i < 2; i++) {
				expect(await client.run(unicode, ["k"], ["é"])).toEqual(["k", "ключ 日本 😀", "é"]);
				expect(await client.buffers.run(bytes)).toEqual(Buffer.from([0xff, 0xfe]));
				expect(await client.buffers.run(words, [key, "{k}2"], [Buffer.from([0xfe]), 5, 2n ** 60n, ""])).toEqual([
					[key, Buffer.from("{k}2")],
					[Buffer.from([0xfe]), Buffer.from("5"), Buffer.from("1152921504606846976"), Buffer.from("")],
				]);
			}
			expect(sent()).toHaveLength(9);
			expect(await client.run(words)).toEqual([[], []]);
			const many = Array.from({ length: 5000 }, (_, i) => `{k}${i}`);
			expect(await client.run(words, many, many)).toEqual([many, many]);
			const large = Buffer.alloc(100_000, "x");
			expect(await client.run(words, ["k"], [large])).toEqual([["k"], [large.toString()]]);
		});

		test("H08 in a pipeline the first of each slot brings the text, and no NOSCRIPT can come; afterwards none does", async () => {
			const keys = ["{a}1", "{a}2", "{a}3", "{a}4"];
			const pipeline = (): Promise<unknown> => {
				const calls = client.pipeline();
				for (const key of keys) calls.run(increase, [key], [1]).set(`${key}:after`, "v");
				return calls.exec();
			};
			expect(await pipeline()).toEqual([1, "OK", 1, "OK", 1, "OK", 1, "OK"]);
			expect(sent()).toEqual(["EVAL", "EVALSHA", "EVALSHA", "EVALSHA"]);
			expect(await pipeline()).toEqual([2, "OK", 2, "OK", 2, "OK", 2, "OK"]);
			expect(sent().slice(4)).toEqual(Array(4).fill("EVALSHA"));
			expect(await client.run(increase, ["{a}1"], [1])).toBe(3);
			expect(sent().slice(8)).toEqual(["EVALSHA"]);
		});

		test("H08 in a pipeline, after SCRIPT FLUSH, each is sent again with the text and keeps its place", async () => {
			const keys = Array.from({ length: 30 }, (_, i) => `key:${i}`);
			const warm = client.pipeline();
			for (const key of keys) warm.run(increase, [key], [1]);
			await warm.exec();
			for (const node of nodes) await node.raw("SCRIPT", "FLUSH");
			const calls = client.pipeline();
			for (const key of keys) calls.run(increase, [key], [1]).get(key).run(increase, [key], [1]);
			const replies = await calls.exec();
			for (let i = 0; i < keys.length; i++) expect([replies[3 * i], replies[3 * i + 2]]).toEqual([2, 3]);
		});

		test("H11 a read-only script goes by EVALSHA_RO and EVAL_RO, and may not write", async () => {
			await client.set("k", "v");
			expect(await client.run(peek, ["k"])).toBe("v");
			expect(await client.buffers.run(peek, ["k"])).toEqual(Buffer.from("v"));
			expect(sent()).toEqual(["EVALSHA_RO", "EVAL_RO", "EVALSHA_RO"]);
			const writes = defineScript({ keys: 1, lua: "return redis.call('SET', KEYS[1], 'x')", readOnly: true });
			const error = await rejectionOf(client.run(writes, ["k"]));
			expect(error).toMatchObject({ message: expect.stringMatching(/Write commands are not allowed from read-only scripts/) });
			expect(await client.get("k")).toBe("v");
		});

		test("H07 refused before a byte is sent: keys of a wrong number or kind, of several slots, arguments of no kind", async () => {
			const { bytesWritten } = client.stats();
			const refused: [call: () => Promise<unknown>, code: string, index?: number][] = [
				[() => client.run(increase, []), "INVALID_ARGUMENT", 3],
				[() => client.run(increase), "INVALID_ARGUMENT", 3],
				[() => client.run(increase, ["a", "a"], [1]), "INVALID_ARGUMENT", 4],
				[() => client.run(increase, "a" as never), "INVALID_ARGUMENT", 3],
				[() => client.run(increase, [5 as never]), "INVALID_ARGUMENT", 3],
				[() => client.run(words, ["a", null as never]), "INVALID_ARGUMENT", 4],
				[() => client.run(increase, ["a"], "5" as never), "INVALID_ARGUMENT", 4],
				[() => client.run(increase, ["a"], [1, undefined as never]), "INVALID_ARGUMENT", 5],
				[() => client.run("return 1" as never, []), "INVALID_ARGUMENT", 1],
				[() => client.run({ sha1: increase.sha1, keys: 1 } as never, ["a"]), "INVALID_ARGUMENT", 1],
				[() => client.eval("return 1", "a" as never), "INVALID_ARGUMENT", 3],
				[() => client.eval(undefined as never), "INVALID_ARGUMENT", 1],
			];
			if (topology === "cluster") refused.push([() => client.run(words, ["a", "b"]), "CROSSSLOT"]);
			for (const [call, code, index] of refused) {
				const error = await rejectionOf(call());
				expect(error).toMatchObject(index === undefined ? { code } : { code, index });
				expect("maybeExecuted" in error).toBe(false);
			}
			expect(() => client.pipeline().run(increase, [])).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", index: 3 }));
			expect(client.stats().bytesWritten).toBe(bytesWritten);
		});

		test("H12 what Lua gives: numbers lose their fractions, tables end at nil, false is null, errors stay where they stand", async () => {
			const lua =
				"return {3.99, 'x', false, {1, nil, 2}, redis.error_reply('MINE text'), redis.status_reply('FINE'), nil, 'unseen'}";
			const reply = (await client.run(defineScript({ keys: 0, lua }))) as unknown[];
			expect(reply).toMatchObject([3, "x", null, [1], { code: "MINE" }, "FINE"]);
			expect(reply).toHaveLength(6);
			expect(await client.eval(lua)).toMatchObject(reply);
			if (protocol === 3) expect(await client.eval("redis.setresp(3); return {map = {a = 1}}")).toEqual(new Map([["a", 1]]));
		});

		test("H07 a reply of another shape than `reply` takes is an error of that call alone", async () => {
			const strict = defineScript({
				keys: 0,
				lua: "return ARGV[1]",
				reply: (reply): number => {
					if (reply !== "5") throw new Error("not a five");
					return 5;
				},
			});
			const calls = [client.run(strict, [], [5]), rejectionOf(client.run(strict, [], [6])), client.run(strict, [], [5])];
			expect(await Promise.all(calls)).toMatchObject([5, { code: "PROTOCOL", maybeExecuted: true }, 5]);
			const replies = await client.pipeline().run(strict, [], [6]).run(strict, [], [5]).exec();
			expect(replies).toMatchObject([{ code: "PROTOCOL" }, 5]);
		});

		test("H07 on a leased connection: by hash once it is known there, with the text at first, in the order of the calls", async () => {
			await client.withConnection({ key: "k" }, async (c) => {
				const first = [c.run(increase, ["k"], [1]), c.set("k", 10), c.run(increase, ["k"], [1])];
				expect(await Promise.all(first)).toEqual([1, "OK", 11]);
				expect(sent()).toEqual(["EVAL", "EVALSHA"]);
				for (const node of nodes) await node.raw("SCRIPT", "FLUSH");
				expect(await c.run(increase, ["k"], [1])).toBe(12);
				expect(sent()).toEqual(["EVAL", "EVALSHA", "EVALSHA", "EVAL"]);
				for (const node of nodes) await node.raw("SCRIPT", "FLUSH");
				// The text would come after what follows.
				const overtaken = [rejectionOf(c.run(increase, ["k"], [1])), c.set("k", 20)];
				expect(await Promise.all(overtaken)).toMatchObject([{ code: "NOSCRIPT", maybeExecuted: false }, "OK"]);
				expect(await c.get("k")).toBe("20");
			});
		});

		test("H08 inside a transaction of one's own it is always the text: nothing could be tried again there", async () => {
			await client.withConnection({ key: "k" }, async (c) => {
				expect(await c.run(increase, ["k"], [1])).toBe(1);
				for (const node of nodes) await node.raw("SCRIPT", "FLUSH");
				await c.command("MULTI");
				expect(await c.run(increase, ["k"], [1])).toBe("QUEUED");
				expect(await c.run(increase, ["k"], [1])).toBe("QUEUED");
				expect(await c.command("EXEC")).toEqual([2, 3]);
				expect(sent()).toEqual(["EVAL", "EVAL", "EVAL"]);
				// What was only queued loads nothing.
				for (const node of nodes) await node.raw("SCRIPT", "FLUSH");
				const other = defineScript({ keys: 1, lua: "return redis.call('DECRBY', KEYS[1], ARGV[1])" });
				await c.command("MULTI");
				await c.run(other, ["k"], [1]);
				await c.command("DISCARD");
				expect(await Promise.all([c.run(other, ["k"], [1]), c.get("k")])).toEqual([2, "2"]);
			});
		});

		test("H07 eval, evalsha, fcall and kin: the words and nothing else", async () => {
			await client.set("k", "v");
			expect(await client.eval("return {KEYS[1], ARGV[1]}", ["k"], ["a"])).toEqual(["k", "a"]);
			expect(await client.evalRo("return redis.call('GET', KEYS[1])", ["k"])).toBe("v");
			const sha = await client.scriptLoad("return redis.call('GET', KEYS[1])");
			expect(await client.evalsha(sha, ["k"])).toBe("v");
			expect(await client.buffers.evalshaRo(sha, ["k"])).toEqual(Buffer.from("v"));
			const error = await rejectionOf(client.evalsha("0".repeat(40), ["k"]));
			expect(error).toMatchObject({ code: "NOSCRIPT", maybeExecuted: false });
			expect(
				await client.pipeline().eval("return 1").evalRo("return 2").evalsha(sha, ["k"]).evalshaRo(sha, ["k"]).exec(),
			).toEqual([1, 2, "v", "v"]);
		});
	});
});
