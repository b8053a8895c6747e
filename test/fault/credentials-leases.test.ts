/** Connections that one caller has: nothing of the client's own comes between its commands, and credentials are renewed when it is done. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { Budget } from "../../src/budget.js";
import { type Connection, openConnection } from "../../src/connection/connection.js";
import { newCounters } from "../../src/core.js";
import { DeadlineClock } from "../../src/deadline-clock.js";
import { createClient } from "../../src/index.js";
import { resolveOptions } from "../../src/options.js";
import { ask } from "../../src/question.js";
import type { Reply } from "../../src/resp/reply.js";
import { Heard } from "../support/heard.js";

const LIFE_MS = 1300;

let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone();
});
afterAll(() => server?.stop());

/** Another user each time it is asked. */
function provider(name: string) {
	const users: string[] = [];
	const auth = async () => {
		const username = `${name}-${users.length}`;
		await server.raw("ACL", "SETUSER", username, "on", ">wonder", "~*", "+@all", "allchannels");
		users.push(username);
		return { username, password: "wonder", expiresInMs: LIFE_MS };
	};
	return { auth, users };
}

test("C36 C04 a transaction goes on through a renewal as who began it; the next caller has the connection as the new user", async () => {
	await Promise.all(
		([2, 3] as const).map(async (protocol) => {
			const { auth, users } = provider(`lease${protocol}`);
			const heard = new Heard();
			const pool = { maxDedicated: 1 };
			await using client = await createClient({ url: server.url, protocol, auth, pool, hooks: heard.hooks });
			const key = `lease:${protocol}`;
			const first = await client.withConnection({}, async (own) => {
				const id = await own.command("CLIENT", "ID");
				await own.command("WATCH", key);
				await own.command("MULTI");
				await own.incr(key);
				const renewed = users.length;
				await waitUntil("a renewal", () => (users.length > renewed && heard.count("reauthenticated") > 0) || `${users.length}`);
				await own.incr(key);
				expect(await own.command("EXEC")).toEqual([1, 2]);
				expect(await own.command("ACL", "WHOAMI")).toBe(`lease${protocol}-1`);
				return id;
			});
			const newest = users.length - 1;
			await client.withConnection({}, async (own) => {
				expect(await own.command("CLIENT", "ID")).toBe(first);
				const user = String(await own.command("ACL", "WHOAMI"));
				expect(Number(user.split("-")[1])).toBeGreaterThanOrEqual(newest);
			});
			expect(client.stats().reconnects).toBe(0);
			expect(heard.errors).toEqual([]);
		}),
	);
});

test("C36 a leased connection that comes back with credentials that the server does not take goes to nobody", async () => {
	let password = "wonder";
	await server.raw("ACL", "SETUSER", "unsteady", "on", ">wonder", "~*", "+@all");
	let asked = 0;
	const auth = () => {
		asked += 1;
		return { username: "unsteady", password, expiresInMs: LIFE_MS };
	};
	await using client = await createClient({ url: server.url, auth, pool: { maxDedicated: 1 } });
	const first = await client.withConnection({}, async (own) => {
		const id = await own.command("CLIENT", "ID");
		password = "another";
		const before = asked;
		await waitUntil("a renewal", () => asked > before || "not yet");
		expect(await own.command("PING")).toBe("PONG");
		return id;
	});
	password = "wonder";
	// The refusal comes in front of what the next caller would be told, or ends the connection while it is idle.
	await waitUntil("another connection", async () => {
		const id = await client.withConnection({}, (own) => own.command("CLIENT", "ID")).catch((error) => error.code);
		return (typeof id === "number" && id !== first) || `${id}`;
	});
});

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C36 a connection that is subscribed stays so through a renewal, and goes on with its messages", async () => {
		const { auth, users } = provider(`subscriber${protocol}`);
		const heard = new Heard();
		const settings = resolveOptions({ url: server.url, protocol, auth, hooks: heard.hooks });
		const clock = new DeadlineClock();
		const crowd = { full: 0 };
		const pushed: Reply[][] = [];
		const endpoint = settings.seeds[0]!;
		const budget = new Budget("it", settings.pool, crowd);
		const credentials = await auth();
		const connection = await new Promise<Connection>((resolve, reject) => {
			const opened = openConnection(
				{ endpoint, budget, credentials },
				{ settings, clock, counters: newCounters(), crowd },
				{
					ready: resolve,
					suspected: () => {},
					lost: (_, cause) => reject(cause),
					push: (items) => void pushed.push(items),
				},
			);
			if (opened instanceof Error) reject(opened);
		});
		try {
			connection.expectSubscriptions();
			await ask(["SUBSCRIBE", "news"], clock, 5000, (request) => connection.send(request));
			// A RESP2 connection may say nothing but (UN)SUBSCRIBE and PING then: it is left to the server.
			await waitUntil("two renewals", () => users.length >= 3 || `${users.length}`);
			await waitUntil("a message", async () => {
				await server.raw("PUBLISH", "news", "late");
				return pushed.some(([, , message]) => String(message) === "late") || "none";
			});
			expect(connection.isClosed).toBe(false);
			expect(heard.count("reauthenticated") > 0).toBe(protocol === 3);
			expect(heard.errors).toEqual([]);
		} finally {
			connection.destroy(new Error("the test is over") as never);
			clock.stop();
		}
	});
});
