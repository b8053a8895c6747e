/**
 * Sessions of a small shop: a visitor with a cart logs in, works in two tabs, and logs out.
 *
 *     REDIS_URL=redis://127.0.0.1:6379 npx tsx examples/sessions.ts
 */
import { createClient, optionsFromEnv } from "slotwire";
import { SessionStore } from "slotwire/session";

interface ShopSession {
	cart: string[];
	userId?: number;
	language?: string;
	lastPage?: string;
}

const client = await createClient(optionsFromEnv());
const sessions = new SessionStore<ShopSession>(client, {
	prefix: "example:sess:",
	ttl: "30m", // without a visit
	maxTtl: "12h", // however many visits there are
	rolling: true, // each visit begins the 30 minutes anew
});
const minutes = (ms: number | null): string => (ms === null ? "none" : `${Math.ceil(ms / 60_000)} minutes`);

console.log("1. A visitor comes without a cookie, so there is no session; the first thing in the cart begins one.");
let cookie: string | undefined;
console.log("   session:", await sessions.get(cookie));
cookie = await sessions.create({ cart: ["teapot"] });
console.log("   cookie:", cookie.replace(/\..*/, ".…"), "- whoever has it is the visitor, so logs show only its tag");
console.log("   session:", { ...(await sessions.get(cookie)) }, "- it lives for", minutes(await sessions.ttl(cookie)));

console.log("2. Two tabs change different fields at the same time. Neither overwrites the other.");
await Promise.all([sessions.update(cookie, { language: "de" }), sessions.update(cookie, { lastPage: "/cups" })]);
console.log("   session:", { ...(await sessions.get(cookie)) });

console.log("3. The visitor logs in. The session gets a new id, so that a cookie somebody planted before is worth nothing.");
const planted = cookie;
await sessions.update(cookie, { userId: 7, lastPage: undefined });
cookie = (await sessions.regenerate(cookie)) ?? undefined;
console.log("   by the old cookie:", await sessions.get(planted));
console.log("   by the new cookie:", { ...(await sessions.get(cookie)) });

console.log("4. Another program reads one field, without the rest and without this library: it is one JSON text in a hash.");
const [tag, secret] = (cookie ?? "").split(".");
console.log("   HGET … cart:", await client.hget(`example:sess:{${tag}}:${secret}`, "cart"));

console.log("5. A cookie that somebody made up leads nowhere, and never gets into a key.");
console.log("   session:", await sessions.get("*}:../../etc/passwd"));

console.log("6. The visitor logs out. What still runs in a tab does not bring the session back.");
console.log("   destroyed:", await sessions.destroy(cookie));
console.log("   updated:", await sessions.update(cookie, { lastPage: "/cups" }));
console.log("   session:", await sessions.get(cookie));

await client.close();
