/** What is told of calls, by channels and hooks, on a dispatcher without sockets. */
import { AsyncLocalStorage } from "node:async_hooks";
import { channel, subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";
import { afterEach, describe, expect, test } from "vitest";
import { report, Teller } from "../../src/channels.js";
import { ClientError } from "../../src/errors.js";
import type { BatchEvent, CommandEvent, ErrorEvent, Hooks } from "../../src/events.js";
import { clientOn, FakeDispatcher, storeAnswerer } from "../support/fake-dispatcher.js";

const undo: (() => void)[] = [];
afterEach(() => {
	for (const step of undo.splice(0)) step();
});

function rig(hooks: Hooks = {}, name?: string) {
	const store = new Map<string, string>();
	const dispatcher = new FakeDispatcher(3, 16_384, storeAnswerer(store));
	const client = clientOn(dispatcher, { nodes: ["127.0.0.1:1"], hooks, ...(name === undefined ? {} : { name }) });
	undo.push(() => client.destroy());
	return { client, store, dispatcher };
}

/** Everything said on a channel from now to the end of the test. */
function heard<Event>(name: string): Event[] {
	const events: Event[] = [];
	const listener = (event: unknown): void => void events.push(event as Event);
	subscribe(name, listener);
	undo.push(() => unsubscribe(name, listener));
	return events;
}

const command = { slot: 15495, node: null, error: null, maybeExecuted: false, retries: 0, redirections: 0 };

test("a command is told once, when it settled, by its name and how it ended; never by its arguments", async () => {
	const told: CommandEvent[] = [];
	const { client, store } = rig({ command: (event) => void told.push(event) }, "orders");
	const events = heard<CommandEvent>("slotwire:command");
	store.set("b", "!");
	expect(await client.set("a", "a secret value")).toBe("OK");
	await expect(client.get("b")).rejects.toMatchObject({ code: "WRONGTYPE" });
	expect(await client.getInto("a", Buffer.alloc(50))).toBeTypeOf("string");
	await expect(client.command("GET", "a")).resolves.toBe("a secret value");
	const common = { ...command, client: expect.stringMatching(/^orders#\d+$/), durationMs: expect.any(Number) };
	expect(told).toEqual([
		{ ...common, name: "SET" },
		{ ...common, name: "GET", slot: 3300, error: "WRONGTYPE" },
		{ ...common, name: "GET" },
		{ ...common, name: "GET" },
	]);
	expect(events).toEqual(told);
	expect(told.every(({ durationMs }) => durationMs > 0)).toBe(true);
});

test("what is refused before it becomes a command is told by nobody but its promise", async () => {
	const events = heard<CommandEvent>("slotwire:command");
	const { client } = rig();
	await expect(client.get(5 as never)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
	await expect(client.mget([5 as never])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
	client.destroy();
	await expect(client.get("a")).rejects.toMatchObject({ code: "CLOSED" });
	expect(events).toMatchObject([{ name: "GET", error: "CLOSED" }]);
});

test("a batch is told once, with its items, and those that failed", async () => {
	const told: BatchEvent[] = [];
	const { client, store } = rig({ batch: (event) => void told.push(event) });
	const events = heard<BatchEvent>("slotwire:batch");
	const commands = heard<CommandEvent>("slotwire:command");
	store.set("b", "!");
	await client.setMany([
		["a", "1"],
		["c", "2"],
	]);
	await client.mget(["a", "c", "nope"]);
	await client.existsMany(["a"]);
	await client.pipeline().get("a").get("b").get("b").exec();
	await client.delMany(["a", "c"]);
	const common = {
		client: expect.stringMatching(/^slotwire#\d+$/),
		durationMs: expect.any(Number),
		...{ failed: 0, error: null, maybeExecuted: false },
	};
	expect(told).toEqual([
		{ ...common, name: "SET", items: 2 },
		{ ...common, name: "MGET", items: 3 },
		{ ...common, name: "EXISTS", items: 1 },
		{ ...common, name: "PIPELINE", items: 3, failed: 2, error: "WRONGTYPE" },
		{ ...common, name: "DEL", items: 2 },
	]);
	expect(events).toEqual(told);
	expect(commands).toEqual([]);
});

test("tracing channels: the same object at start and end, within the caller's context, which the call's own steps are in too", async () => {
	const storage = new AsyncLocalStorage<string>();
	const { client, store, dispatcher } = rig();
	const said: [string, CommandEvent, string | undefined][] = [];
	const trace = tracingChannel<unknown, CommandEvent>("slotwire:command");
	const listener = (step: string) => (event: CommandEvent) => void said.push([step, event, storage.getStore()]);
	const listeners = {
		start: listener("start"),
		end: listener("end"),
		asyncStart: listener("asyncStart"),
		asyncEnd: listener("asyncEnd"),
		error: listener("error"),
	};
	trace.subscribe(listeners as never);
	trace.start.bindStore(storage as never, ((event: CommandEvent) => `span of ${event.name}`) as never);
	undo.push(
		() => trace.unsubscribe(listeners as never),
		() => trace.start.unbindStore(storage as never),
	);
	let within: string | undefined;
	const dispatch = dispatcher.dispatch.bind(dispatcher);
	dispatcher.dispatch = (request) => {
		within = storage.getStore();
		dispatch(request);
	};
	store.set("b", "!");
	const after = await storage.run("the caller", async () => {
		await client.get("b").catch(() => {});
		return storage.getStore();
	});
	expect(said.map(([step]) => step)).toEqual(["start", "end", "error", "asyncStart", "asyncEnd"]);
	expect(new Set(said.map(([, event]) => event)).size).toBe(1);
	expect(said[0]![2]).toBe("span of GET");
	expect(within).toBe("span of GET");
	expect(after).toBe("the caller");
	expect(said[0]![1]).toMatchObject({ name: "GET", error: "WRONGTYPE" });
	said.length = 0;
	await client.mget(["a"]);
	expect(said).toEqual([]);
});

test("where nobody listens nothing is made, and a listener is heard from the next call on", async () => {
	const { client } = rig();
	const teller = new Teller();
	let made = 0;
	const make = () => {
		made += 1;
		return { kind: "failed", cause: "" } as const;
	};
	expect(teller).toMatchObject({ tracesCommands: false, tracesBatches: false });
	teller.topology(make);
	expect(made).toBe(0);
	await client.get("a");
	const events = heard("slotwire:command");
	expect(teller.tracesCommands).toBe(true);
	await client.get("a");
	expect(events).toHaveLength(1);
	undo.pop()!();
	expect(teller.tracesCommands).toBe(false);
	heard("slotwire:topology");
	teller.topology(make);
	expect(made).toBe(1);
});

test("two clients are told apart, and a hook hears of its own alone", async () => {
	const told: Record<"a" | "b", CommandEvent[]> = { a: [], b: [] };
	const events = heard<CommandEvent>("slotwire:command");
	const { client: a } = rig({ command: (event) => void told.a.push(event) }, "same");
	const { client: b } = rig({ command: (event) => void told.b.push(event) }, "same");
	await Promise.all([a.get("k"), b.get("k"), b.get("k")]);
	expect([told.a.length, told.b.length, events.length]).toEqual([1, 2, 3]);
	expect(new Set(events.map((event) => event.client)).size).toBe(2);
	expect(told.b.every(({ client }) => client === told.b[0]!.client)).toBe(true);
});

describe("a hook that fails", () => {
	test.each<[string, () => unknown]>([
		[
			"throws",
			() => {
				throw new Error("mine");
			},
		],
		["rejects", () => Promise.reject(new Error("mine"))],
	])("that %s: calls go on, and the error hook hears of it once", async (_how, fail) => {
		const errors: ErrorEvent[] = [];
		const { client } = rig({ command: fail, batch: fail, error: (event) => void errors.push(event) });
		const events = heard<ErrorEvent>("slotwire:error");
		for (let i = 0; i < 5; i++) expect(await client.get("k")).toBeNull();
		expect(await client.mget(["k"])).toEqual([null]);
		await new Promise(setImmediate);
		expect(errors.map(({ source, error }) => [source, (error as Error).message])).toEqual([
			["hook command", "mine"],
			["hook batch", "mine"],
		]);
		expect(events).toEqual(errors);
	});

	test("on an error is told nobody", async () => {
		let called = 0;
		const teller = new Teller({
			error() {
				called += 1;
				throw new Error("mine");
			},
		});
		report(teller, "listener", new Error("a listener's"));
		teller.report("listener", new Error("a listener's"));
		await Promise.resolve();
		expect(called).toBe(2);
	});
});

test("whoever is told may end the client or call it: that is between two steps of the client, not within one", async () => {
	const { client, dispatcher } = rig({
		command(event) {
			if (event.name === "SET") client.destroy();
		},
	});
	const calls = [client.set("a", "1"), client.get("a"), client.mget(["a", "b"])];
	expect(await Promise.all(calls)).toEqual(["OK", "1", ["1", null]]);
	expect(dispatcher.closed).toMatchObject({ code: "CLOSED" });
	await expect(client.get("a")).rejects.toMatchObject({ code: "CLOSED" });
});

test("every other kind of event goes to its hook and its channel, with the client's identity", async () => {
	const told: Record<string, unknown> = {};
	const hooks = Object.fromEntries(
		(["connection", "redirection", "topology", "error"] as const).map((kind) => [
			kind,
			(event: never) => {
				told[kind] = event;
			},
		]),
	);
	const teller = new Teller(hooks, "orders");
	const names = Object.keys(hooks);
	const channels = names.map((kind) => heard(`slotwire:${kind}`));
	const a = { host: "::1", port: 7000 };
	teller.connection("lost", a, 7, new ClientError("CONNECTION", "why"));
	teller.redirection("ASK", 5, a, null);
	teller.topology(() => ({ kind: "adopted", primaries: ["h:1"], replicas: [], slotsMoved: 3 }));
	report(teller, "listener", "anything");
	expect(told).toEqual({});
	await Promise.resolve();
	const { client } = teller;
	expect(told).toEqual({
		connection: { client, state: "lost", node: "[::1]:7000", connection: 7, cause: "why" },
		redirection: { client, kind: "ASK", slot: 5, from: "[::1]:7000", to: null },
		topology: { client, kind: "adopted", primaries: ["h:1"], replicas: [], slotsMoved: 3 },
		error: { client, source: "listener", error: "anything" },
	});
	expect(channels).toEqual(names.map((kind) => [told[kind]]));
	expect(channel("slotwire:command").hasSubscribers).toBe(false);
});

test("a hook that calls a client which refuses at once, and is told of that too, starves nobody", async () => {
	let calls = 0;
	const again = async () => {
		calls += 1;
		if (calls < 10_000) await client.get("k").catch(() => {});
	};
	const client = clientOn(new FakeDispatcher(1), { url: "redis://127.0.0.1:1", hooks: { command: again } });
	client.destroy();
	await expect(client.get("k")).rejects.toMatchObject({ code: "CLOSED" });
	await new Promise((resolve) => setImmediate(resolve));
	await new Promise((resolve) => setImmediate(resolve));
	expect(calls).toBeGreaterThan(0);
	expect(calls).toBeLessThan(1000);
	calls = 10_000;
});
