/** Several processes that share a backend agree on who makes a value: one of them, and nobody waits longer than for that one. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { Cache, RedisBackend } from "../../src/cache/index.js";
import { leaseKey } from "../../src/cache/side-keys.js";
import { textEntries } from "../../src/cache/text-entries.js";
import { type Client, createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import type { DriverSetup } from "../support/cache-messages.js";
import { type CacheProcess, CacheProcesses } from "../support/cache-process.js";

/** Nobody looks again by himself within a test. */
const NEVER = 600_000;

let built: CacheProcesses;
beforeAll(async () => {
	built = await CacheProcesses.build();
});
afterAll(() => built?.[Symbol.asyncDispose]());

describe.each([
	["standalone", () => inject("standaloneUrl")],
	["cluster", () => inject("clusterUrl")],
] as const)("%s", (topology, urlOf) => {
	const keyPrefix = `flight-${topology}:`;
	let client: Client;
	/** Two in RESP3, two in RESP2. */
	let processes: [CacheProcess, CacheProcess, CacheProcess, CacheProcess];

	const started = (more: Partial<DriverSetup> = {}): Promise<CacheProcess> =>
		built.start({ url: urlOf(), protocol: 3, keyPrefix, cache: {}, pollMs: NEVER, ...more });
	const factoryCalls = async (key: string): Promise<number> => Number(await client.get(`${keyPrefix}calls:${key}`));
	const raw = (key: string): Promise<Buffer | null> => client.buffers.get(keyPrefix + key);
	const leaseOf = (key: string): string => leaseKey(keyPrefix + key, topology === "cluster");
	const by = ({ pid }: CacheProcess): string => JSON.stringify({ by: pid });

	beforeAll(async () => {
		client = await createClient(urlOf());
		processes = await Promise.all([started(), started({ protocol: 2 }), started(), started({ protocol: 2 })]);
	});
	afterAll(() => client?.close());

	test.each([
		["", {}],
		[", by a key with braces that are no hash tag", {}],
		[", with a tag that never had a version", { tags: ["new"] }],
		[", with a tag that the factory names", { setTags: ["new"] }],
	])("S2.7 1000 callers in each of 4 processes: the factory runs once%s", async (what, how) => {
		const key = what.includes("braces") ? "thousands}{" : `thousands${what}`;
		const outcomes = await Promise.all(processes.map((process) => process.ask({ key, callers: 1000, ...how })));
		expect(processes.flatMap((process) => process.told("error", key))).toEqual([]);
		expect(await factoryCalls(key)).toBe(1);
		const values = outcomes.flatMap(({ values }) => values);
		expect(values.length).toBe(4000);
		expect(new Set(values).size).toBe(1);
	});

	test("S2.7 all wait while one makes it, are woken by its message, and nothing is stored under the key before the value is", async () => {
		const key = "watched";
		const seen = new Set<string>();
		let watching = true;
		const watch = (async () => {
			while (watching) {
				const bytes = await raw(key);
				seen.add(bytes === null ? "nothing" : JSON.stringify(textEntries.open(bytes)?.value ?? "something else"));
			}
		})();
		const [holder, ...others] = processes;
		const made = holder.ask({ key, callers: 1000, hold: true });
		await holder.heard("factory", key);
		const served = others.map((process) => process.ask({ key, callers: 1000 }));
		await Promise.all(others.map((process) => process.heard("waiting", key)));
		const [left, keys] = [await client.pttl(leaseOf(key)), await new RedisBackend({ client, keyPrefix }).keys()];
		await holder.release(key);
		const outcomes = await Promise.all([made, ...served]);
		watching = false;
		await watch;

		expect(new Set(outcomes.flatMap(({ values }) => values))).toEqual(new Set([by(holder)]));
		expect(outcomes.map(({ values }) => values.length)).toEqual([1000, 1000, 1000, 1000]);
		expect(await factoryCalls(key)).toBe(1);
		expect([...seen].sort()).toEqual(["nothing", by(holder)]);
		// What the lease is: beside the key, for a while, and no key of anybody's.
		expect(left).toBeGreaterThan(0);
		expect(left).toBeLessThanOrEqual(30_000);
		expect(keySlot(leaseOf(key))).toBe(topology === "cluster" ? keySlot(keyPrefix + key) : keySlot(leaseOf(key)));
		expect(keys).not.toContain(key);
		expect(await client.exists(leaseOf(key))).toBe(0);
	});

	test("S2.7 a process that dies while it makes a value is replaced when its lease is over", async () => {
		const key = "killed";
		const victim = await started({ cache: { leaseTtl: 1500 } });
		const impatient = await started({ pollMs: 100 });
		const lost = victim.ask({ key, hold: true }).catch(({ message }) => message);
		await victim.heard("factory", key);
		let left = await client.pttl(leaseOf(key));
		await waitUntil("it was prolonged", async () => {
			const before = left;
			left = await client.pttl(leaseOf(key));
			return left > before || `${left} ms are left`;
		});
		const served = impatient.ask({ key, callers: 10 });
		await impatient.heard("waiting", key);
		await victim.kill();
		expect(await lost).toContain("SIGKILL");
		expect((await served).values).toEqual(Array(10).fill(by(impatient)));
		expect(await factoryCalls(key)).toBe(2);
	});

	test("S2.7 when a factory throws, those who wait in other processes try themselves, and only its own callers hear of it", async () => {
		const key = "thrown";
		const [holder, next] = processes;
		const failed = holder.ask({ key, callers: 10, hold: true, fail: "no such row" });
		await holder.heard("factory", key);
		const served = next.ask({ key, callers: 10 });
		await next.heard("waiting", key);
		await holder.release(key);
		expect(await failed).toEqual({ values: [], errors: Array(10).fill("no such row") });
		expect((await served).values).toEqual(Array(10).fill(by(next)));
		// Nothing is poisoned: whoever failed has it now.
		expect((await holder.ask({ key })).values).toEqual([by(next)]);
		expect(await factoryCalls(key)).toBe(2);
	});

	test.each([
		["delete", "deleted", [], null],
		["set", "overwritten", [{ by: "hand" }], '{"by":"hand"}'],
	] as const)("S2.9 what a factory makes while another process calls %s goes to its callers, and is not stored", async (method, key, args, left) => {
		const [holder, other] = processes;
		const made = holder.ask({ key, callers: 10, hold: true });
		await holder.heard("factory", key);
		await other.call(method, key, ...args);
		await holder.release(key);
		expect((await made).values).toEqual(Array(10).fill(by(holder)));
		const bytes = await raw(key);
		expect(bytes && JSON.stringify(textEntries.open(bytes)?.value)).toBe(left);
		expect(await client.exists(leaseOf(key))).toBe(0);
	});

	test("S2.7 while one process makes an old value anew, the others serve the old one", async () => {
		const key = "old";
		const [holder, other, third] = processes;
		const grace = 3_600_000;
		await third.call("set", key, { by: "before" }, { ttl: 1, grace });
		await waitUntil("the value is old", async () => (await third.call("get", key)) === undefined || "it is fresh");
		const made = holder.ask({ key, hold: true, grace });
		await holder.heard("factory", key);
		expect((await other.ask({ key, callers: 3, grace })).values).toEqual(Array(3).fill('{"by":"before"}'));
		expect(other.told("stale", key)).toContain("in-progress");
		await holder.release(key);
		expect((await made).values).toEqual([by(holder)]);
		expect(await factoryCalls(key)).toBe(1);
	});

	test("S2.7 an old value within swr is made anew by one process", async () => {
		const key = "behind";
		const [holder, other, third] = processes;
		const swr = 3_600_000;
		await third.call("set", key, { by: "before" }, { ttl: 1, swr });
		await waitUntil("the value is old", async () => (await third.call("get", key)) === undefined || "it is fresh");
		expect((await holder.ask({ key, hold: true, swr })).values).toEqual(['{"by":"before"}']);
		await holder.heard("factory", key);
		expect((await other.ask({ key, callers: 3, swr })).values).toEqual(Array(3).fill('{"by":"before"}'));
		await holder.release(key);
		await waitUntil("it is new", async () => JSON.stringify(await third.call("get", key)) === by(holder) || "not yet");
		expect((await other.ask({ key })).values).toEqual([by(holder)]);
		expect(await factoryCalls(key)).toBe(1);
	});

	test("S2.7 a process that stands still for longer than its lease is replaced; what it makes then is not stored, and that is told", async () => {
		const key = "late";
		const slow = await started({ cache: { leaseTtl: 600 } });
		const [other] = processes;
		const made = slow.ask({ key, hold: true });
		try {
			await slow.heard("factory", key);
			slow.pause();
			await waitUntil("the lease is over", async () => (await client.exists(leaseOf(key))) === 0 || "it is held");
			expect((await other.ask({ key })).values).toEqual([by(other)]);
		} finally {
			slow.resume();
		}
		await slow.release(key);
		expect((await made).values).toEqual([by(slow)]);
		expect(slow.told("error", key)).toEqual(["write"]);
		expect(JSON.stringify(textEntries.open((await raw(key)) as Buffer)?.value)).toBe(by(other));
	});
});

test("S2.7 where subscribing is refused, those who wait look again by themselves", async () => {
	await using server = await startStandalone({ users: { mute: "on >secret ~* resetchannels +@all" } });
	const url = server.url.replace("redis://", "redis://mute:secret@");
	const setup: DriverSetup = { url, protocol: 3, keyPrefix: "mute:", cache: {}, pollMs: 50 };
	const [holder, other] = await Promise.all([built.start(setup), built.start({ ...setup, protocol: 2 })]);
	const made = holder.ask({ key: "k", hold: true });
	await holder.heard("factory", "k");
	const served = other.ask({ key: "k", callers: 10 });
	await waitUntil("it has looked again", () => other.told("waiting", "k").length > 2 || "not yet");
	await holder.release("k");
	expect((await made).values).toEqual([JSON.stringify({ by: holder.pid })]);
	expect((await served).values).toEqual(Array(10).fill(JSON.stringify({ by: holder.pid })));
	expect(await server.raw("GET", "mute:calls:k")).toBe("1");
	expect(await server.raw("PUBSUB", "CHANNELS")).toEqual([]);
	await Promise.all([holder.finish(), other.finish()]);
});

test("S2.9 a write ends the lease before it writes, in one flight: nobody fills in between", async () => {
	await using server = await startStandalone();
	await using client = await createClient(server.url);
	await using monitor = await server.connect();
	const cache = new Cache({ backend: new RedisBackend({ client, keyPrefix: "o:" }) });
	await client.ping();
	let lines = "";
	await monitor.command("MONITOR");
	monitor.socket.on("data", (chunk) => {
		lines += chunk;
	});
	const before = client.stats().flights;
	await cache.set("k", 1);
	await cache.delete("k");
	await cache.getOrSet("k", () => 2, { forceFresh: true });
	expect(client.stats().flights - before).toBe(4);
	await client.echo("end");
	await waitUntil("all was seen", () => lines.includes('"end"') || lines);
	const written = [...lines.matchAll(/"(UNLINK|SET)" "([^"]*)"/g)].map(([, command, key]) => `${command} ${key}`);
	expect(written).toEqual([
		...["UNLINK slotwire:lease:o:k", "SET o:k"],
		...["UNLINK slotwire:lease:o:k", "UNLINK o:k", "UNLINK o:k:meta"],
		...["UNLINK slotwire:lease:o:k", "SET o:k"],
	]);
	await cache.close();
});

test("S2.7 the word that a key was filled is not lost when it comes before the refusal that makes one wait", async () => {
	await using client = await createClient(inject("standaloneUrl"));
	await using backend = new RedisBackend({ client, keyPrefix: "word:" });
	const { leases } = backend;
	// It subscribes, and is woken when that is confirmed.
	await leases.wait("k", leases.moment, NEVER);
	const { moment } = leases;
	await leases.acquire("k", "token", 10_000);
	await leases.release("k", "token");
	await waitUntil("the word", () => leases.moment > moment || "not yet");
	await leases.wait("k", moment, NEVER);
	// Of another key nobody said anything.
	let woken = false;
	const waiting = leases.wait("other", moment, NEVER).then(() => {
		woken = true;
	});
	await leases.release("k", "token");
	await waitUntil("another word", () => leases.moment > moment + 1 || "not yet");
	expect(woken).toBe(false);
	await leases.end();
	await waiting;
});
