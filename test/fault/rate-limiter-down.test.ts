/** Limiters whose Redis is gone, silent, or lost on the way back. */
import { describe, expect, inject, test } from "vitest";
import { type Client, createClient } from "../../src/index.js";
import { RateLimiter, type RateLimiterOptions } from "../../src/limit/index.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const server = (): { host: string; port: number } => {
	const { hostname, port } = new URL(inject("standaloneUrl"));
	return { host: hostname, port: Number(port) };
};

describe.each(["fixed-window", "sliding-window", "token-bucket"] as const)("%s", (algorithm) => {
	const options: RateLimiterOptions = { algorithm, limit: 10, window: "10m", prefix: "limiter-down", timeoutMs: 300 };
	const degraded = { allowed: true, limit: 10, retryAfterMs: 0, resetMs: 0, degraded: true };

	test("S2.5 S2.8 Redis down: who fails open lets in and counts it, who does not says why, both in the limiter's own time", async () => {
		await using proxy = await TcpProxy.start(server());
		await using client = await createClient(proxy.url);
		const open = new RateLimiter(client, { ...options, failOpen: true });
		const closed = new RateLimiter(client, options);
		await open.reset("user");
		expect(await open.consume("user", 4)).toMatchObject({ allowed: true, remaining: 6 });
		proxy.refuse();
		proxy.cut();
		const started = performance.now();
		const [inside, looked, refused, reset] = await Promise.all([
			open.consume("user", 3),
			open.peek("user"),
			rejectionOf(closed.consume("user")),
			rejectionOf(open.reset("user")),
		]);
		// The client's own deadline is 5 s.
		expect(performance.now() - started).toBeLessThan(4000);
		expect(inside).toMatchObject({ ...degraded, remaining: 7, error: { code: expect.stringMatching(/^(TIMEOUT|CONNECTION)$/) } });
		expect(looked).toMatchObject({ ...degraded, remaining: 10 });
		expect(open.headers(inside)).toEqual({});
		for (const error of [refused, reset]) expect(error).toMatchObject({ code: expect.stringMatching(/^(TIMEOUT|CONNECTION)$/) });
		expect(open.stats()).toEqual({ allowed: 1, refused: 0, degraded: 2, errors: 1 });
		expect(closed.stats()).toEqual({ allowed: 0, refused: 0, degraded: 0, errors: 1 });
		await proxy.welcome();
		// What was let in meanwhile was counted nowhere.
		expect(await back(client, open)).toMatchObject({ allowed: true, remaining: 5 });
	});

	test("S2.5 a silent server costs the limiter's own time, and the late reply of a decision is nobody else's", async () => {
		await using proxy = await TcpProxy.start(server());
		await using client = await createClient(proxy.url);
		const limiter = new RateLimiter(client, { ...options, failOpen: true });
		await limiter.reset("silent");
		const { toClient } = await proxy.accepted(1);
		toClient.stall();
		expect(await limiter.consume("silent", 3)).toMatchObject({ ...degraded, error: { code: "TIMEOUT", maybeExecuted: true } });
		toClient.resume();
		expect(await limiter.peek("silent")).toMatchObject({ allowed: true, remaining: 7 });
	});

	test("C24 H09 S2.5 a lost reply: the points may have been taken, and are not taken twice", async () => {
		await using proxy = await TcpProxy.start(server());
		await using client = await createClient(proxy.url);
		const limiter = new RateLimiter(client, { ...options, timeoutMs: 5000 });
		await limiter.reset("lost");
		await limiter.peek("lost");
		const { toClient } = await proxy.accepted(1);
		const { forwarded } = toClient;
		toClient.cutAt(forwarded + 1, "rst");
		expect(await rejectionOf(limiter.consume("lost", 4))).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
		expect(await limiter.peek("lost")).toMatchObject({ remaining: 6 });
	});

	test("S2.5 what the caller did himself is no outage: an abort, a closed client", async () => {
		const client = await createClient(inject("standaloneUrl"));
		const limiter = new RateLimiter(client, { ...options, failOpen: true });
		const signal = AbortSignal.abort();
		expect(await rejectionOf(limiter.consume("own", 1, { signal }))).toMatchObject({ code: "ABORTED" });
		await client.close();
		expect(await rejectionOf(limiter.consume("own"))).toMatchObject({ code: "CLOSED" });
		expect(limiter.stats()).toEqual({ allowed: 0, refused: 0, degraded: 0, errors: 2 });
	});
});

/** The first decision once the client has its connection again. */
async function back(client: Client, limiter: RateLimiter): Promise<unknown> {
	await client.ping();
	return await limiter.consume("user");
}
