/**
 * Three ways to say "no more than 5 in 2 seconds", what an HTTP server answers, and many processes at once.
 *
 *     REDIS_URL=redis://127.0.0.1:6379 npx tsx examples/rate-limiting.ts
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createClient, optionsFromEnv } from "slotwire";
import { RateLimiter, type RateLimiterOptions } from "slotwire/limit";

const client = await createClient(optionsFromEnv());
const prefix = "example:limit";
const used: [RateLimiter, string][] = [];

/** A row of calls as marks: one for each that is let in, a dot for each that is refused. */
async function calls(limiter: RateLimiter, key: string, count: number): Promise<string> {
	let marks = "";
	for (let i = 0; i < count; i++) marks += (await limiter.consume(key)).allowed ? "✓" : "·";
	return marks;
}

for (const [number, algorithm, story] of [
	[1, "fixed-window", "5 in each window, which begins with the first call: cheapest, and all 5 are back at once"],
	[2, "sliding-window", "never more than 5 in any 2 seconds, wherever one looks"],
	[3, "token-bucket", "a call flows back every 400 ms: some are back soon, all of them after 2 seconds"],
] as const) {
	console.log(`${number}. ${algorithm}: ${story}`);
	const limiter = new RateLimiter(client, { algorithm, limit: 5, window: "2s", prefix });
	used.push([limiter, "ann"]);
	await limiter.reset("ann");
	console.log("   7 calls at once:   ", await calls(limiter, "ann", 7));
	const { retryAfterMs, resetMs } = await limiter.peek("ann");
	console.log(`   the next one:       in ${retryAfterMs} ms; all of them: in ${resetMs} ms`);
	await sleep(retryAfterMs);
	console.log("   7 calls after that:", await calls(limiter, "ann", 7));
}

console.log("4. What an HTTP server does with it: expensive requests cost more points, and a refusal says when to come again.");
const api = new RateLimiter(client, { algorithm: "token-bucket", limit: 60, burst: 10, window: "1m", prefix, failOpen: true });
used.push([api, "address:203.0.113.9"]);

async function handle(path: string, address: string): Promise<{ status: number; headers: Record<string, string> }> {
	const decision = await api.consume(`address:${address}`, path === "/report" ? 8 : 1);
	return { status: decision.allowed ? 200 : 429, headers: api.headers(decision) };
}

await api.reset("address:203.0.113.9");
for (const path of ["/", "/report", "/report"]) {
	const { status, headers } = await handle(path, "203.0.113.9");
	console.log(`   GET ${path} → ${status}`, headers);
}

console.log("5. Ten processes with a connection each, 20 calls from every one: together they get 50, not one more.");
const everybody: RateLimiterOptions = { algorithm: "sliding-window", limit: 50, window: "1m", prefix };
used.push([new RateLimiter(client, everybody), "everybody"]);
await new RateLimiter(client, everybody).reset("everybody");
const processes = await Promise.all(Array.from({ length: 10 }, () => createClient(optionsFromEnv())));
const limiters = processes.map((one) => new RateLimiter(one, everybody));
const decisions = await Promise.all(
	limiters.flatMap((limiter) => Array.from({ length: 20 }, () => limiter.consume("everybody"))),
);
console.log("   let in:", decisions.filter(({ allowed }) => allowed).length, "of", decisions.length);
await Promise.all(processes.map((one) => one.close()));

// The keys expire by themselves; an example leaves nothing behind at once.
for (const [limiter, key] of used) await limiter.reset(key);
await client.close();
