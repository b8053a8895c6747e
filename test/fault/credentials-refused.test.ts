/** New credentials that the server does not take: the old ones hold as long as their time, then another connection takes over. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServerCluster, type ServerNode, startCluster, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type ClientOptions, type ConnectionEvent, createClient } from "../../src/index.js";
import { Heard } from "../support/heard.js";
import { leaksOf } from "../support/leaks.js";

const LIFE_MS = 3000;

let server: ServerNode;
let cluster: ServerCluster;
beforeAll(async () => {
	[server, cluster] = await Promise.all([startStandalone(), startCluster()]);
	const rules = ["on", ">wonder-right", "~*", "+@all"];
	await Promise.all([server, ...cluster.nodes].map((node) => node.raw("ACL", "SETUSER", "late", ...rules)));
});
afterAll(() => Promise.all([server?.stop(), cluster?.stop()]));

test("C36 C04 a refused AUTH costs nothing while the old credentials are good; after that the connection is replaced, and what waits is not lost", async () => {
	const targets: ClientOptions[] = [{ url: server.url }, { nodes: cluster.endpoints }];
	const rigs = targets.flatMap((target) => ([2, 3] as const).map((protocol) => ({ ...target, protocol })));
	await Promise.all(
		rigs.map(async (target, at) => {
			let right = true;
			const auth = () => ({ username: "late", password: right ? "wonder-right" : "wonder-wrong", expiresInMs: LIFE_MS });
			const heard = new Heard();
			const retry = { baseMs: 1, maxMs: 50 };
			const hooks = {
				...heard.hooks,
				connection(event: ConnectionEvent) {
					heard.hooks.connection(event);
					// Whoever takes its place asks the provider, and is given the right ones.
					if (event.state === "retired") right = true;
				},
			};
			await using client = await createClient({ ...target, auth, hooks, retry });
			const key = `refused:${at}`;
			// Whichever connections there are by then, this is one of them.
			await client.incr(key);
			let counted = 1;
			let going = true;
			const traffic = (async () => {
				while (going) {
					const calls = Array.from({ length: 20 }, () => client.incr(key));
					expect(await Promise.all(calls)).toEqual(calls.map(() => ++counted));
				}
			})();
			traffic.catch(() => {});
			right = false;
			await waitUntil("a refusal", () => heard.failures.includes("reauthentication: WRONGPASS") || heard.failures.join());
			// It was told in time, before the old ones were over: nothing else happened.
			expect([heard.count("retired"), heard.count("lost"), client.stats().reconnects]).toEqual([0, 0, 0]);
			await waitUntil("the end of their time", () => heard.count("retired") > 0 || "not yet");
			await waitUntil("a new connection", () => {
				return heard.count("closed") === heard.count("retired") || `${heard.count("closed")} of ${heard.count("retired")} ended`;
			});
			const before = counted;
			await waitUntil("traffic after that", () => counted > before + 60 || `${counted}`);
			going = false;
			await traffic;
			expect(heard.connections.find(({ state }) => state === "retired")!.cause).toMatch(
				/^127\.0\.0\.1:\d+ refused the new credentials \(WRONGPASS\)$/,
			);
			expect(client.stats().reconnects).toBeGreaterThanOrEqual(1);
			expect(heard.count("lost")).toBe(0);
			expect(leaksOf(heard.sample, ["wonder-right", "wonder-wrong"])).toEqual([]);
		}),
	);
});
