/** A process of its own with a cache in it: follows orders, tells what happens. Started by `cache-process.ts`. */
import { Cache, RedisBackend, TieredBackend } from "../../src/cache/index.js";
import { createClient } from "../../src/index.js";
import type { Ask, DriverSetup, News, Order, Outcome } from "./cache-messages.js";

const setup = JSON.parse(process.argv[2] as string) as DriverSetup;
const tell = (news: News): void => void process.send?.(news);

const client = await createClient({ url: setup.url, protocol: setup.protocol });
const backend = new RedisBackend({ client, keyPrefix: setup.keyPrefix });
const levels = setup.levels === true ? new TieredBackend({ backend }) : null;
const cache = new Cache({ backend: levels ?? backend, ...setup.cache });
await levels?.connect();
cache.on("stale", ({ key, reason }) => tell({ news: "stale", key, detail: reason }));
cache.on("error", ({ key = "", operation }) => tell({ news: "error", key, detail: operation }));

const { leases } = backend;
const wait = leases.wait.bind(leases);
leases.wait = async (key, since, ms, signal) => {
	const waited = wait(key, since, setup.pollMs ?? ms, signal);
	tell({ news: "waiting", key, detail: "" });
	await waited;
};

/** What lets a factory go on, by key. */
const held = new Map<string, () => void>();

async function ask({ key, callers = 1, hold = false, fail, tags, setTags, ...options }: Ask): Promise<Outcome> {
	const calls = Array.from({ length: callers }, () =>
		cache.getOrSet(
			key,
			async (context) => {
				if (setTags !== undefined) context.setTags(setTags);
				await client.incr(`${setup.keyPrefix}calls:${key}`);
				tell({ news: "factory", key, detail: "" });
				if (hold) await new Promise<void>((resolve) => held.set(key, resolve));
				if (fail !== undefined) throw new Error(fail);
				return { by: process.pid };
			},
			{ ...(tags && { tags }), ...options },
		),
	);
	const settled = await Promise.allSettled(calls);
	const values = settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
	const errors = settled.flatMap((each) => (each.status === "rejected" ? [String(each.reason?.message)] : []));
	return { values: values.map((value) => JSON.stringify(value)), errors };
}

async function follow(order: Order): Promise<unknown> {
	if (order.order === "ask") return await ask(order.ask);
	if (order.order === "release") return held.get(order.key)?.();
	if (order.order === "call") return await (cache[order.method] as (...args: unknown[]) => unknown)(...order.args);
	if (order.order === "firstLevel") return levels?.firstLevel;
	await cache.close();
	await (levels ?? backend).disconnect();
	await client.close();
	process.disconnect();
	return undefined;
}

process.on("message", ({ id, ...order }: Order & { id: number }) => {
	follow(order as Order).then(
		(value) => process.connected && process.send?.({ id, value }),
		(error) => process.connected && process.send?.({ id, error: String(error?.message) }),
	);
});
tell({ news: "ready", key: "", detail: "" });
