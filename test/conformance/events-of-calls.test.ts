/** What is told of commands and batches on real servers: who answered, how it ended, what it went through. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, describe, expect, inject, test } from "vitest";
import type { BatchEvent, CommandEvent } from "../../src/events.js";
import { type ClientOptions, createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { leaksOf } from "../support/leaks.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const undo: (() => void)[] = [];
afterEach(() => {
	for (const step of undo.splice(0)) step();
});

const VALUE = "a-value-of-yours-and-more-of-it";
let tests = 0;

async function rig(url: string, more: ClientOptions = {}) {
	const commands: CommandEvent[] = [];
	const batches: BatchEvent[] = [];
	const hooks = { command: (event: CommandEvent) => commands.push(event), batch: (event: BatchEvent) => batches.push(event) };
	const client = await createClient({ url, hooks, ...more });
	undo.push(() => client.destroy());
	return { client, commands, batches, prefix: `events:${++tests}` };
}

/** On a channel all clients of this process are heard: this one is known by what its hooks were told. */
function channelOf<Event>(name: string): Event[] {
	const events: Event[] = [];
	const listener = (event: unknown): void => void events.push(event as Event);
	subscribe(name, listener);
	undo.push(() => unsubscribe(name, listener));
	return events;
}

const port = (url: string) => Number(/:(\d+)/.exec(url.slice(8))![1]);
const ended = { error: null, maybeExecuted: false, retries: 0, redirections: 0, durationMs: expect.any(Number) };

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("standalone: each command with its node, its code and no word of its arguments", async () => {
		const url = inject("standaloneUrl");
		const { client, commands, batches, prefix } = await rig(url, { protocol, name: "shop" });
		const said = channelOf<CommandEvent>("slotwire:command");
		const key = `${prefix}:k`;
		await client.set(key, VALUE);
		expect(await client.command("get", key)).toBe(VALUE);
		await rejectionOf(client.command("LPUSH", key, VALUE));
		await client.withConnection({}, async (own) => {
			await own.get(key);
			// Nobody here knows it: it may be anything.
			await rejectionOf(own.command(`${VALUE}, where a name belongs`, VALUE));
		});
		// It has a slot for its place among other commands, which is nobody's business here.
		await client.multi().get(key).exec();
		const node = `127.0.0.1:${port(url)}`;
		const client_ = expect.stringMatching(/^shop#\d+$/);
		expect(commands).toEqual([
			{ ...ended, client: client_, node, slot: null, name: "SET" },
			{ ...ended, client: client_, node, slot: null, name: "GET" },
			{ ...ended, client: client_, node, slot: null, name: "LPUSH", error: "WRONGTYPE" },
			{ ...ended, client: client_, node, slot: null, name: "GET" },
			{ ...ended, client: client_, node, slot: null, name: "?", error: "ERR" },
			{ ...ended, client: client_, node, slot: null, name: "MULTI" },
		]);
		expect(said).toEqual(commands);
		expect(await client.mget([key, `${prefix}:none`])).toEqual([VALUE, null]);
		await client.setMany([[key, "v"]]);
		expect(batches.map(({ name, items, failed }) => [name, items, failed])).toEqual([
			["MGET", 2, 0],
			["SET", 1, 0],
		]);
		expect(leaksOf([commands, batches], [VALUE, key])).toEqual([]);
	});

	test("cluster: slots, the node of each, one event per node for a command that goes to all, the items of a batch", async () => {
		const { client, commands, batches, prefix } = await rig(inject("clusterUrl"), { protocol });
		const keys = Array.from({ length: 20 }, (_, index) => `${prefix}:${index}`);
		await client.setMany(keys.map((key) => [key, "v"]));
		await Promise.all(keys.map((key) => client.get(key)));
		expect(new Set(commands.map(({ slot }) => slot))).toEqual(new Set(keys.map((key) => keySlot(key))));
		expect(commands).toHaveLength(keys.length);
		expect(new Set(commands.map(({ node }) => node)).size).toBe(3);
		commands.length = 0;
		await client.command("DBSIZE");
		expect(commands.map(({ name, slot }) => [name, slot])).toEqual(Array(3).fill(["DBSIZE", null]));
		expect(new Set(commands.map(({ node }) => node)).size).toBe(3);
		await client.command("LPUSH", keys[0] as string, "v").catch(() => {});
		await client.command("DEL", keys[0] as string);
		await client.command("LPUSH", keys[0] as string, "v");
		const results = await client.mget(keys);
		expect(results[0]).toBeNull();
		await client.pipeline().get(keys[0]!).get(keys[1]!).exec();
		expect(batches).toMatchObject([
			{ name: "SET", items: 20, failed: 0, error: null },
			{ name: "MGET", items: 20, failed: 0, error: null },
			{ name: "PIPELINE", items: 2, failed: 1, error: "WRONGTYPE", maybeExecuted: false },
		]);
		await client.delMany(keys);
	});

	test("what a deadline, an abort or a lost connection ended says what may have been executed, and how often it was sent again", async () => {
		await using proxy = await TcpProxy.start({ host: "127.0.0.1", port: port(inject("standaloneUrl")) });
		const { client, commands, batches, prefix } = await rig(proxy.url, { protocol, retry: { baseMs: 1, maxMs: 5 } });
		const connection = proxy.connections[0]!;
		const node = `127.0.0.1:${proxy.port}`;
		connection.toClient.stall();
		await rejectionOf(client.with({ timeoutMs: 60 }).incr(`${prefix}:n`));
		const aborter = new AbortController();
		const aborted = rejectionOf(client.with({ signal: aborter.signal }).get(`${prefix}:n`));
		aborter.abort();
		await aborted;
		await rejectionOf(client.mget([`${prefix}:n`, `${prefix}:m`], { timeoutMs: 60 }));
		const lost = [rejectionOf(client.incr(`${prefix}:n`)), client.get(`${prefix}:none`)];
		await new Promise(setImmediate);
		connection.cut();
		await Promise.all(lost);
		client.destroy();
		await rejectionOf(client.get(`${prefix}:n`));
		expect(commands.map(({ client: _, durationMs: __, slot: ___, ...rest }) => rest)).toEqual([
			{ name: "INCR", node, error: "TIMEOUT", maybeExecuted: true, retries: 0, redirections: 0 },
			{ name: "GET", node: null, error: "ABORTED", maybeExecuted: false, retries: 0, redirections: 0 },
			{ name: "INCR", node, error: "CONNECTION", maybeExecuted: true, retries: 0, redirections: 0 },
			{ name: "GET", node, error: null, maybeExecuted: false, retries: 1, redirections: 0 },
			{ name: "GET", node: null, error: "CLOSED", maybeExecuted: false, retries: 0, redirections: 0 },
		]);
		expect(commands[0]!.durationMs).toBeGreaterThanOrEqual(60);
		expect(batches).toMatchObject([{ name: "MGET", items: 2, failed: 2, error: "TIMEOUT" }]);
	});
});

test("what finds no room is told as well, though nothing is made of it where nobody listens", async () => {
	await using proxy = await TcpProxy.start({ host: "127.0.0.1", port: port(inject("standaloneUrl")) });
	const pool = { maxQueuedCommands: 2 };
	const { client, commands } = await rig(proxy.url, { pool });
	proxy.connections[0]!.toClient.stall();
	const calls: Promise<unknown>[] = [];
	for (let i = 0; i < 4; i++) calls.push(client.get("events:room").catch((error) => error.code));
	calls.push(client.command("GET", "events:room").catch((error) => error.code));
	expect(await Promise.all(calls.slice(2))).toEqual(["OVERLOADED", "OVERLOADED", "OVERLOADED"]);
	expect(commands).toMatchObject(Array(3).fill({ name: "GET", node: null, error: "OVERLOADED", maybeExecuted: false }));
	client.destroy();
	await Promise.all(calls);
	expect(commands.map(({ error }) => error)).toEqual(["OVERLOADED", "OVERLOADED", "OVERLOADED", "CLOSED", "CLOSED"]);
});
