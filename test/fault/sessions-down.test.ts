/** Sessions whose Redis is gone, or lost on the way back. */
import { describe, expect, inject, test } from "vitest";
import { createClient } from "../../src/index.js";
import { SessionStore } from "../../src/session/index.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const server = (): { host: string; port: number } => {
	const { hostname, port } = new URL(inject("standaloneUrl"));
	return { host: hostname, port: Number(port) };
};

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("S2.4 S1.17 Redis down: every call ends by its deadline with a typed error, and the session is there behind it", async () => {
		await using proxy = await TcpProxy.start(server());
		await using client = await createClient({ url: proxy.url, protocol });
		const sessions = new SessionStore<{ n: number }>(client.with({ timeoutMs: 300 }), { ttl: "1h" });
		const id = await sessions.create({ n: 1 });
		proxy.refuse();
		proxy.cut();
		const started = performance.now();
		const errors = await Promise.all(
			[
				sessions.create({ n: 2 }),
				sessions.get(id),
				sessions.get(id, { touch: true }),
				sessions.update(id, { n: 2 }),
				sessions.replace(id, { n: 2 }),
				sessions.touch(id),
				sessions.regenerate(id),
				sessions.ttl(id),
				sessions.destroy(id),
			].map(rejectionOf),
		);
		expect(performance.now() - started).toBeLessThan(4000);
		for (const error of errors) expect(error).toMatchObject({ code: expect.stringMatching(/^(TIMEOUT|CONNECTION)$/) });
		expect(await sessions.get("nobody's")).toBeNull();
		expect(sessions.stats()).toEqual({ hits: 0, misses: 1, unreadable: 0 });
		await proxy.welcome();
		await client.ping();
		expect(await sessions.get(id)).toEqual({ n: 1 });
		expect(await sessions.destroy(id)).toBe(true);
	});

	test("C24 H09 S2.4 a lost reply: a read is asked again, a write says that it may have happened and is not repeated", async () => {
		await using proxy = await TcpProxy.start(server());
		await using client = await createClient({ url: proxy.url, protocol });
		const sessions = new SessionStore<{ n: number }>(client, { ttl: "1h" });
		const id = await sessions.create({ n: 1 });
		// The server knows the scripts, so that the reply that is lost is theirs.
		await sessions.update(id, { n: 1 });
		await sessions.regenerate(await sessions.create({ n: 0 }));
		let connections = 1;
		const loseNextReply = async (): Promise<void> => {
			const { toClient } = await proxy.accepted(connections++);
			toClient.cutAt(toClient.forwarded + 1, "rst");
		};
		await loseNextReply();
		expect(await sessions.get(id)).toEqual({ n: 1 });
		await loseNextReply();
		expect(await rejectionOf(sessions.update(id, { n: 2 }))).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
		expect(await sessions.get(id)).toEqual({ n: 2 });
		await loseNextReply();
		expect(await rejectionOf(sessions.regenerate(id))).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
		expect(await sessions.get(id)).toBeNull();
	});
});
