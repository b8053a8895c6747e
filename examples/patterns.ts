/**
 * A cache before a slow source: what each pattern does, shown by how often the source is asked.
 *
 *     REDIS_URL=redis://127.0.0.1:6379 npx tsx examples/patterns.ts
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createClient, optionsFromEnv } from "slotwire";
import { Cache, RedisBackend } from "slotwire/cache";

interface Product {
	id: string;
	price: number;
}

/** Stands for a database: slow, counted, and now and then out of order. */
class Source {
	readonly products = new Map<string, Product>();
	calls = 0;
	broken = false;

	async load(id: string): Promise<Product | undefined> {
		const [product] = await this.loadMany([id]);
		return product;
	}

	async loadMany(ids: readonly string[]): Promise<(Product | undefined)[]> {
		this.calls += 1;
		await sleep(20);
		if (this.broken) throw new Error("the database is down");
		return ids.map((id) => this.products.get(id));
	}

	async save(product: Product): Promise<void> {
		await sleep(20);
		this.products.set(product.id, { ...product });
	}
}

const client = await createClient(optionsFromEnv());
const backend = new RedisBackend({ client, keyPrefix: "patterns:" });
// Always a time to live: what nobody asks for any more goes by itself.
const cache = new Cache({ backend, ttl: "10m", ttlJitter: 0.1 });
const source = new Source();
for (let i = 0; i < 100; i++) source.products.set(`${i}`, { id: `${i}`, price: 10 + i });
// What an earlier run may have left behind when it was interrupted.
await cache.clear();

let asked = 0;
/** How often the source was asked since the last time. */
function calls(): string {
	const since = source.calls - asked;
	asked = source.calls;
	return since === 1 ? "asked once" : since === 0 ? "not asked" : `asked ${since} times`;
}
const product = (id: string) => cache.getOrSet(`product:${id}`, () => source.load(id));

console.log("1. Cache-aside: look in the cache, else ask the source and store what it says.");
console.log("  ", await product("1"), "- source", calls());
console.log("  ", await product("1"), "- source", calls());

console.log("2. A null is a value like any other: it is stored, and found again.");
const discount = () =>
	cache.getOrSet("discount:1", async (): Promise<number | null> => {
		await source.load("1");
		return null;
	});
console.log("  ", await discount(), await discount(), "- source", calls());

console.log("3. Negative caching: that there is no such thing (undefined) is remembered as well, but for a shorter time.");
const unknown = () => cache.getOrSet("product:nope", () => source.load("nope"), { negativeTtl: "30s" });
console.log("  ", await unknown(), await unknown(), "- source", calls());

console.log("4. Write-through: into the source first, then into the cache. Who reads next has it.");
await cache.writeThrough("product:2", { id: "2", price: 99 }, (value) => source.save(value));
console.log("  ", await product("2"), "- source", calls(), "and has", source.products.get("2"));

console.log(
	"5. Write-behind: into the cache at once, and into the source a little later, in batches. The last write of a key counts.",
);
const batches: string[] = [];
await using views = cache.writeBehind<number>({
	write: (batch) => batches.push(batch.map((entry) => entry.join("=")).join(" ")),
});
for (let i = 1; i <= 5; i++) await views.set("views:1", i);
await views.set("views:2", 1);
console.log("   cache:", await cache.get("views:1"), "- waiting:", views.pending);
await views.flush();
console.log("   written:", batches);

console.log(
	"6. Stampede: 200 callers in two processes want what is not there. A lease lets one of them ask; the others wait for its answer.",
);
const secondClient = await createClient(optionsFromEnv());
const second = new Cache({ backend: new RedisBackend({ client: secondClient, keyPrefix: "patterns:" }) });
const crowd = Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? cache : second));
const answers = await Promise.all(crowd.map((one) => one.getOrSet("product:3", () => source.load("3"))));
console.log("   answers:", answers.filter((answer) => answer?.id === "3").length, "- source", calls());
await second.close();
await secondClient.close();

console.log("7. Stale while revalidate: for a while an old value is given out at once, and made anew behind its reader.");
const rate = (options: object) => cache.getOrSet("rate", async () => (await source.load("4"))?.price, options);
await rate({ ttl: 100, swr: "1h" });
source.products.set("4", { id: "4", price: 4 });
await sleep(150);
const refreshed = new Promise((resolve) => cache.on("refresh", resolve));
console.log("   this reader has the old one:", await rate({ ttl: "1m", swr: "1h" }));
await refreshed;
console.log("   a later one the new:", await rate({ ttl: "1m", swr: "1h" }), "- source", calls());

console.log("8. Grace: when the source fails, an old value is better than none.");
await cache.set("product:1", { id: "1", price: 11 }, { ttl: 100, grace: "1h" });
await sleep(150);
source.broken = true;
console.log("  ", await cache.getOrSet("product:1", () => source.load("1"), { grace: "1h" }), "- source", calls());
console.log("   without an old value:", await product("5").catch((error: Error) => error.message), "- source", calls());
source.broken = false;
console.log("   a failure is not stored:", await product("5"), "- source", calls());

console.log("9. Tags: one write ends all entries that depend on something, whatever their keys.");
const page = (name: string, tags: string[]) =>
	cache.getOrSet(`page:${name}`, async () => (await source.load("6")) && name, { tags });
const pages = () => Promise.all([page("home", ["product:6"]), page("cups", ["product:6", "cups"]), page("about", [])]);
await pages();
console.log("   first", calls());
await pages();
console.log("   again", calls());
await cache.invalidateTags("product:6");
await pages();
console.log("   after invalidateTags, for two of three pages", calls());

console.log("10. Many at once: one read of the cache, one question to the source for what is missing, one write.");
const ids = Array.from({ length: 100 }, (_, i) => `${i}`);
const many = async () => {
	const { flights } = client.stats();
	const found = await cache.getOrSetMany(
		ids.map((id) => `product:${id}`),
		(missing) => source.loadMany(missing.map((key) => key.slice("product:".length))),
	);
	return `products ${found.size}, flights ${client.stats().flights - flights}, source ${calls()}`;
};
console.log("   first:", await many());
console.log("   again:", await many());

console.log("11. Redis is down: the cache asks the source, and counts what it could not store.");
const nowhere = new RedisBackend({ connection: { url: "redis://127.0.0.1:1", timeouts: { startMs: 200, commandMs: 200 } } });
const lost = new Cache({ backend: nowhere });
console.log("  ", await lost.getOrSet("product:1", () => source.load("1")), "- source", calls());
const { storeErrors, lostWrites } = lost.stats();
console.log(`   the store failed ${storeErrors} time, values not stored: ${lostWrites}`);
await lost.close();
await nowhere.disconnect();

console.log("12. What the cache counted:", cache.stats());

await views.close();
await cache.clear();
await cache.close();
await client.close();
