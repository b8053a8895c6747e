/**
 * A store of bytes that can be swapped: the same code on a server, and on this process's memory when there is none. Checks what it says, and
 * ends with 1 when something is not as it should be.
 *
 *     REDIS_URL=redis://127.0.0.1:6379 npx tsx examples/backends.ts          a server, or memory when it does not answer
 *     USE_REDIS=false npx tsx examples/backends.ts                           memory
 *     CACHE_ENV=test npx tsx examples/backends.ts                            with the settings of another environment
 */
import { optionsFromEnv } from "slotwire";
import { type CreateBackendOptions, createRedisBackend, MemoryBackend } from "slotwire/cache";

// What differs between environments is settings, and nothing in the code behind them.
const environments: Record<string, CreateBackendOptions> = {
	development: { keyPrefix: "backends:dev:", defaultTtl: "5m" },
	test: {
		keyPrefix: "backends:test:",
		defaultTtl: "10s",
		connection: { ...optionsFromEnv(), timeouts: { startMs: 1000, commandMs: 1000 } },
	},
	production: {
		keyPrefix: "backends:prod:",
		defaultTtl: "1h",
		maxMemory: 100 * 1024 * 1024,
		evictionPolicy: "allkeys-lru",
		applyServerConfig: false,
	},
};
const environment = process.env.CACHE_ENV ?? "development";
const settings = environments[environment];
if (settings === undefined) throw new Error(`CACHE_ENV must be one of ${Object.keys(environments).join(", ")}`);

await using backend = await createRedisBackend({
	connection: { ...optionsFromEnv(), timeouts: { startMs: 1000 } },
	...settings,
	onFallback: (error) => console.log(`no server (${(error as { code?: string })?.code ?? "USE_REDIS says so"}): memory serves`),
});
const shared = !(backend instanceof MemoryBackend);
console.log(`${environment}: ${backend.constructor.name}`);

let wrong = 0;
function check(what: string, is: unknown, should: unknown): void {
	const right = JSON.stringify(is) === JSON.stringify(should);
	if (!right) wrong += 1;
	console.log(`${right ? "✓" : "✗"} ${what}${right ? "" : `: ${JSON.stringify(is)}, and should be ${JSON.stringify(should)}`}`);
}

check("connected", [backend.isConnected, await backend.ping()], [true, true]);
await backend.clear();

check("a value is stored", await backend.set("user:123", "Ann", { ttl: "1m", metadata: { from: "example" } }), true);
check("and read", (await backend.get("user:123"))?.toString(), "Ann");
const entry = await backend.getEntry("user:123");
check("with its metadata", entry?.metadata, { from: "example" });
check("and the time that is left", (entry?.ttlMs ?? 0) > 50_000, true);
check("it exists", await backend.exists("user:123"), true);
check("nothing is null", await backend.get("user:0"), null);

const items = Array.from({ length: 100 }, (_, i) => ({ key: `item:${i}`, value: `${i}` }));
const before = backend.stats();
check("a hundred are stored", await backend.setMany(items), 100);
const values = await backend.getMany(["item:7", "nothing", "item:99"]);
check("and read in order", values.map(String), ["7", "null", "99"]);
const after = backend.stats();
console.log(`  flights of both: ${after.flights - before.flights}`);
check("keys are counted by prefix", await backend.count({ prefix: "item:" }), 100);
check("and listed by pattern", (await backend.keys({ match: "item:9?" })).length, 10);
check("metadata is no key", (await backend.keys({ prefix: "user:" })).sort(), ["user:123"]);
check("one is deleted", await backend.delete("user:123"), true);
check("with its metadata", await backend.getEntry("user:123"), null);

const { hits, misses, usedMemoryBytes } = await backend.getStats();
check("figures were kept", hits > 0 && misses > 0, true);
check("the store says how much it holds", typeof usedMemoryBytes, "number");
check("only our own is cleared", await backend.clear(), 100);

console.log(wrong === 0 ? `all right, on ${shared ? "a server" : "memory"}` : `${wrong} wrong`);
process.exitCode = wrong === 0 ? 0 : 1;
