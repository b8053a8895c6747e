/** A script that a server does not know keeps its place among the commands of its slot. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerCluster, type ServerNode, startCluster, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type Client, type ClientError, createClient, defineScript, type TypedScript } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { Gate } from "../support/gate.js";
import { rejectionOf } from "../support/secrets.js";

const UNKNOWN = "-NOSCRIPT No matching script. Please use EVAL.\r\n";
const LOADING = "-LOADING Redis is loading the dataset in memory\r\n";

let defined = 0;
const fresh = (lua: string, readOnly = false): TypedScript<unknown> =>
	defineScript({ keys: 1, lua: `${lua} -- ${++defined}`, readOnly, reply: (reply) => reply });
const swap = () => fresh("return redis.call('GETSET', KEYS[1], ARGV[1])");
const append = () => fresh("return redis.call('APPEND', KEYS[1], ARGV[1])");

describe("real servers", () => {
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
			let client: Client;
			beforeAll(async () => {
				nodes = topology === "cluster" ? cluster.primaries : [standalone];
				client = await createClient({ url: (topology === "cluster" ? cluster : standalone).url, protocol, pool: { shared: 2 } });
			});
			afterAll(() => client?.close());

			let round = 0;
			const keysOf = (count: number): string[] => {
				round += 1;
				return Array.from({ length: count }, (_, i) => `order:${topology}:${protocol}:${round}:${i}`);
			};

			test("C25 H07 on a server that does not know it: what was called before and after it stays there", async () => {
				const [key] = keysOf(1) as [string];
				const script = swap();
				const calls = [
					client.set(key, 0),
					client.run(script, [key], [1]),
					client.set(key, 2),
					client.run(script, [key], [3]),
					client.get(key),
				];
				expect(await Promise.all(calls)).toEqual(["OK", "0", "OK", "2", "3"]);
				const other = swap();
				const piped = [
					client.run(other, [key], [4]),
					client.pipeline().get(key).set(key, 5).run(other, [key], [6]).exec(),
					client.get(key),
				];
				expect(await Promise.all(piped)).toEqual(["3", ["4", "OK", "5"], "6"]);
				const third = swap();
				const reads = fresh("return redis.call('GET', KEYS[1])", true);
				const reading = [
					client.run(reads, [key]),
					client.setMany([[key, "7"]]),
					client.run(third, [key], [8]),
					client.mget([key]),
				];
				expect(await Promise.all(reading)).toEqual(["6", ["OK"], "7", ["8"]]);
			});

			test("C25 H07 a hundred calls of unknown scripts at once, among other writes of their keys: every key has all in order", async () => {
				const keys = keysOf(10);
				const scripts = [append(), append()];
				const calls: Promise<unknown>[] = [];
				for (let i = 0; i < 100; i++) {
					const key = keys[i % keys.length]!;
					calls.push(client.command("APPEND", key, `w${i},`), client.run(scripts[i % 2]!, [key], [`s${i},`]));
				}
				await Promise.all(calls);
				for (const [at, key] of keys.entries()) {
					const mine = Array.from({ length: 10 }, (_, n) => n * keys.length + at);
					expect(await client.get(key)).toBe(mine.map((i) => `w${i},s${i},`).join(""));
				}
			});

			test("H10 SCRIPT FLUSH again and again under calls: each runs once, in order", async () => {
				const keys = keysOf(8);
				const script = append();
				const { retries } = client.stats();
				let flushing = true;
				const flushes = (async () => {
					for (let i = 0; flushing; i++) await nodes[i % nodes.length]!.raw("SCRIPT", "FLUSH");
				})();
				const lines = keys.map(async (key) => {
					for (let i = 0; i < 150; i += 3) {
						await Promise.all([0, 1, 2].map((more) => client.run(script, [key], [`${i + more},`])));
					}
				});
				await Promise.all(lines).finally(() => {
					flushing = false;
				});
				await flushes;
				const all = Array.from({ length: 150 }, (_, i) => `${i},`).join("");
				for (const key of keys) expect(await client.get(key)).toBe(all);
				expect(client.stats().retries).toBeGreaterThan(retries);
			});

			test("H10 C25 SCRIPT FLUSH under calls and other writes: what was overtaken is not run late, and says so", async () => {
				const keys = keysOf(4);
				const script = append();
				for (const key of keys) await client.run(script, [key], [""]);
				const done = new Map<string, string[]>(keys.map((key) => [key, []]));
				let overtaken = 0;
				for (let round = 0; round < 15; round++) {
					for (const node of nodes) await node.raw("SCRIPT", "FLUSH");
					await Promise.all(
						keys.flatMap((key) => {
							const line = done.get(key)!;
							const note = (item: string) => () => void line.push(item);
							const failed = (error: ClientError): void => {
								overtaken += 1;
								expect(error).toMatchObject({ code: "NOSCRIPT", maybeExecuted: false });
							};
							const item = (n: number) => `${round}.${n},`;
							return [
								client.command("APPEND", key, item(0)).then(note(item(0))),
								client.run(script, [key], [item(1)]).then(note(item(1)), failed),
								client.command("APPEND", key, item(2)).then(note(item(2))),
								client.run(script, [key], [item(3)]).then(note(item(3))),
							];
						}),
					);
				}
				for (const key of keys) expect(await client.get(key)).toBe(done.get(key)!.join(""));
				expect(overtaken).toBe(15 * keys.length);
			});
		});
	});
});

describe.each([2, 3] as const)("fake nodes, RESP%i", (protocol) => {
	async function start(): Promise<[FakeNode, Client]> {
		const node = await FakeNode.start();
		return [node, await createClient({ url: node.url, protocol, retry: { baseMs: 5, maxMs: 5 } })];
	}
	const names = (node: FakeNode): string[] => node.commands.map(([name, first]) => (name === "SET" ? `SET ${first}` : name!));

	test("H07 the text is sent once: a server that knows neither is believed", async () => {
		const [node, client] = await start();
		await using _ = node;
		await using __ = client;
		node.always(["EVALSHA"], UNKNOWN).always(["EVAL"], UNKNOWN);
		expect(await rejectionOf(client.run(swap(), ["k"], [1]))).toMatchObject({ code: "NOSCRIPT", maybeExecuted: true });
		expect(names(node)).toEqual(["EVALSHA", "EVAL"]);
	});

	test("H07 in Valkey's words", async () => {
		const [node, client] = await start();
		await using _ = node;
		await using __ = client;
		node.always(["EVALSHA"], "-NOSCRIPT No matching script.\r\n").always(["EVAL"], ":1\r\n");
		expect(await client.run(swap(), ["k"], [1])).toBe(1);
		expect(names(node)).toEqual(["EVALSHA", "EVAL"]);
	});

	test("C25 H07 later commands of its key wait for the answer to the first call, those of other keys do not", async () => {
		const [node, client] = await start();
		await using _ = node;
		await using __ = client;
		const gate = new Gate();
		const script = swap();
		node.always(["SET"], "+OK\r\n").always(["EVALSHA"], ":1\r\n");
		const call = client.run(script, ["k"], [1]);
		node.expect(["EVALSHA", script.sha1, "1", "k", "1"]).after(gate.opened).reply(UNKNOWN);
		node.expect(["EVAL", (script as never as { text: Buffer }).text, "1", "k", "1"]).reply(":0\r\n");
		const others = [client.set("k", 2), client.set("other", 3), client.run(script, ["k"], [4])];
		await waitUntil("the other key's is answered or waits behind it", () => names(node).length > 0 || "nothing came");
		gate.open();
		expect(await call).toBe(0);
		expect(await Promise.all(others)).toEqual(["OK", "OK", 1]);
		expect(names(node).filter((name) => name !== "SET other")).toEqual(["EVALSHA", "EVAL", "SET k", "EVALSHA"]);
		// It left before the answer was there.
		expect(names(node).indexOf("SET other")).toBe(1);
	});

	test("C25 H07 the first call is given up: what waits behind it goes on when its answer came", async () => {
		const [node, client] = await start();
		await using _ = node;
		await using __ = client;
		const gate = new Gate();
		const script = swap();
		node.always(["SET"], "+OK\r\n");
		node.expect(["EVALSHA", script.sha1, "1", "k", "1"]).after(gate.opened).reply(UNKNOWN);
		const abort = new AbortController();
		const call = rejectionOf(client.with({ signal: abort.signal }).run(script, ["k"], [1]));
		const after = client.set("k", 2);
		await waitUntil("it is written", () => client.stats().commands === 1 || "not yet");
		abort.abort();
		expect(await call).toMatchObject({ code: "ABORTED", maybeExecuted: true });
		gate.open();
		expect(await after).toBe("OK");
		expect(names(node)).toEqual(["EVALSHA", "SET k"]);
	});

	test("C25 H07 a write that was refused before the first call is not run late once the script was", async () => {
		const [node, client] = await start();
		await using _ = node;
		await using __ = client;
		const script = swap();
		node.expect(["SET", "k", "1"]).reply(LOADING);
		node.expect(["EVALSHA", script.sha1, "1", "k", "2"]).reply(":0\r\n");
		node.always(["SET", "k", "3"], "+OK\r\n");
		const calls = [rejectionOf(client.set("k", 1)), client.run(script, ["k"], [2]), client.set("k", 3)];
		expect(await Promise.all(calls)).toMatchObject([{ code: "LOADING", maybeExecuted: false }, 0, "OK"]);
		expect(names(node)).toEqual(["SET k", "EVALSHA", "SET k"]);
	});

	test("C25 H07 a write that was refused before the first call, and that call: both again, in order", async () => {
		const [node, client] = await start();
		await using _ = node;
		await using __ = client;
		const script = swap();
		node.expect(["SET", "k", "1"]).reply(LOADING);
		node.expect(["EVALSHA", script.sha1, "1", "k", "2"]).reply(UNKNOWN);
		node.always(["SET"], "+OK\r\n").always(["EVAL"], ":1\r\n");
		expect(await Promise.all([client.set("k", 1), client.run(script, ["k"], [2]), client.set("k", 3)])).toEqual(["OK", 1, "OK"]);
		expect(node.commands.map((args) => [args[0], args.at(-1)])).toEqual([
			["SET", "1"],
			["EVALSHA", "2"],
			["SET", "1"],
			["EVAL", "2"],
			["SET", "3"],
		]);
	});

	test("C25 H07 the connection goes before the first call was written: the next one gets the text, and the rest behind it", async () => {
		const [node, client] = await start();
		await using _ = node;
		await using __ = client;
		node.always(["SET"], "+OK\r\n").always(["EVAL"], ":1\r\n").always(["EVALSHA"], ":2\r\n");
		const gate = new Gate();
		node
			.expect(([name]) => name === "HELLO")
			.after(gate.opened)
			.reset();
		node.connections[0]!.reset();
		await node.accepted(2);
		const script = swap();
		const calls = [client.run(script, ["k"], [1]), client.set("k", 2), client.run(script, ["k"], [3])];
		gate.open();
		expect(await Promise.all(calls)).toEqual([1, "OK", 2]);
		expect(names(node).filter((name) => name !== "HELLO")).toEqual(["EVAL", "SET k", "EVALSHA"]);
	});
});
