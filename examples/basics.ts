/**
 * The client itself: values and their types, times to live, many commands in one flight, and what errors say.
 *
 *     REDIS_URL=redis://127.0.0.1:6379 npx tsx examples/basics.ts
 */
import { ClientError, createClient, optionsFromEnv } from "slotwire";

const client = await createClient(optionsFromEnv());
// On a cluster, the braces put all these keys into one slot, so that one command may name several of them.
const key = (name: string): string => `basics:{demo}:${name}`;
// What an earlier run may have left behind when it was interrupted.
for await (const left of client.scan({ match: "basics:*" })) await client.unlink(left);

console.log("1. Strings are bytes under a key: text, JSON, pictures, and numbers that can be counted with.");
await client.set(key("greeting"), "hello");
console.log("   GET:", await client.get(key("greeting")));
console.log("   GET of nothing:", await client.get(key("nothing")));
console.log("   INCR twice:", await client.incr(key("visits")), await client.incr(key("visits")));
console.log("   SET with nx, of a key that is there:", await client.set(key("greeting"), "bonjour", { nx: true }));

console.log("2. A time to live belongs to the key. The server forgets it in time; nobody has to clean up.");
await client.set(key("code"), "4711", { ex: 300 });
console.log("   TTL in seconds:", await client.ttl(key("code")));
console.log("   TTL of a key that lives for ever:", await client.ttl(key("greeting")));
await client.set(key("code"), "0815");
console.log("   a SET without one takes it off:", await client.ttl(key("code")));

console.log("3. Hashes: the fields of one thing, read and changed one by one.");
await client.hset(key("user:7"), { name: "Ann", city: "Bern", logins: 3 });
await client.hincrby(key("user:7"), "logins", 1);
console.log("   HGETALL:", { ...(await client.hgetall(key("user:7"))) });

console.log("4. Lists: in the order of coming, taken from either end.");
await client.rpush(key("jobs"), "resize", "mail", "index");
console.log("   LPOP:", await client.lpop(key("jobs")), "- left:", await client.lrange(key("jobs"), 0, -1));

console.log("5. Sets: whether something is in it, and what two have in common.");
await client.sadd(key("tea"), "ann", "bob", "cho");
await client.sadd(key("coffee"), "bob", "dan");
console.log(
	"   SISMEMBER:",
	await client.sismember(key("tea"), "ann"),
	"- SINTER:",
	await client.sinter(key("tea"), key("coffee")),
);

console.log("6. Sorted sets: each member has a score, and the server keeps them in its order.");
await client.zadd(key("points"), { ann: 90, bob: 120, cho: 75 });
await client.zincrby(key("points"), 50, "cho");
console.log("   the best two:", await client.zrange(key("points"), 0, 1, { rev: true, withscores: true }));

console.log("7. A flight is a write to the server and its replies: what takes time is their number, not that of the commands.");
const counted = async (work: () => Promise<unknown>): Promise<string> => {
	const before = client.stats();
	await work();
	const { commands, flights } = client.stats();
	return `commands ${commands - before.commands}, flights ${flights - before.flights}`;
};
const names = Array.from({ length: 100 }, (_, i) => `basics:item:${i}`);
console.log(
	"   100 times SET, one awaited after the other:",
	await counted(async () => {
		for (const name of names) await client.set(name, "one by one", { ex: 60 });
	}),
);
const entries = names.map((name, i): [string, string] => [name, `value ${i}`]);
console.log("   setMany of the same:", await counted(() => client.setMany(entries, { ex: 60 })));
console.log("   mget of all:", await counted(() => client.mget(names)));
console.log("   what is issued in one tick:", await counted(() => Promise.all(names.map((name) => client.get(name)))));

console.log("8. A pipeline gathers commands of any kind. One that fails is an error in its place; the others are not harmed.");
const replies = await client.pipeline().incr(key("visits")).hget(key("greeting"), "field").get(key("greeting")).exec();
for (const reply of replies) console.log("  ", reply instanceof ClientError ? `error ${reply.code}` : reply);

console.log("9. Errors are told apart by their code.");
const failing: [string, () => Promise<unknown>][] = [
	["a list's command for a string", () => client.lpush(key("greeting"), "x")],
	["a time to live below zero", () => client.set(key("greeting"), "x", { ex: -1 })],
	["a caller who gives up", () => client.with({ signal: AbortSignal.timeout(50) }).blpop(key("empty"), 5)],
	["a server that is not there", () => createClient({ url: "redis://127.0.0.1:1", timeouts: { startMs: 200 } })],
	["a command that there is not", () => client.command("GETT", key("greeting"))],
];
for (const [what, call] of failing) {
	const outcome = await call().catch((error: unknown) => error);
	console.log(`   ${what}:`, outcome instanceof ClientError ? outcome.code : outcome);
}

console.log("10. What the server says of its memory: what it holds, what it may hold, and what it evicts then.");
const figures = new Map<string, string>();
const node = client.primaries()[0];
const info = node === undefined ? "" : await client.withConnection({ node }, (connection) => connection.info("memory"));
for (const line of info.split("\r\n")) figures.set(line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1));
for (const field of ["used_memory_human", "maxmemory_human", "maxmemory_policy"]) console.log(`   ${field}:`, figures.get(field));

for await (const left of client.scan({ match: "basics:*" })) await client.unlink(left);
await client.close();
