/** Whether a leased connection that comes back serves the next caller. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { rejectionOf } from "../support/secrets.js";

type Use = (own: Client) => Promise<unknown>;

async function say(own: Client, ...lines: string[]): Promise<void> {
	for (const line of lines) await own.command(...(line.split(" ") as [string, ...string[]]));
}

const clean: Record<string, Use> = {
	nothing: async () => {},
	"reads and writes": (own) => say(own, "SET lease:k v", "GET lease:k"),
	"an error reply": (own) => rejectionOf(own.command("LPUSH", "lease:k", "x")),
	"a whole transaction": (own) => say(own, "MULTI", "INCR lease:n", "EXEC"),
	"a transaction that was discarded": (own) => say(own, "MULTI", "INCR lease:n", "DISCARD"),
	"a transaction that the server refused": async (own) => {
		await say(own, "MULTI");
		await rejectionOf(own.command("INCR"));
		expect(await rejectionOf(own.command("EXEC"))).toMatchObject({ code: "EXECABORT" });
	},
	"WATCH and a transaction": (own) => say(own, "WATCH lease:k", "MULTI", "EXEC"),
	"WATCH and UNWATCH": (own) => say(own, "WATCH lease:k", "UNWATCH"),
	"WATCH alone": (own) => say(own, "WATCH lease:k"),
	"a blocking command that came back": (own) => say(own, "BLPOP lease:none 0.01"),
	"a pipeline and a batch": async (own) => {
		await own.pipeline().get("lease:k").get("lease:none").exec();
		await own.mget(["lease:k", "lease:none"]);
	},
};

const changed: Record<string, Use> = {
	SELECT: (own) => say(own, "SELECT 1"),
	"SELECT in lower case": (own) => say(own, "select 1"),
	"MULTI left open": (own) => say(own, "MULTI", "INCR lease:n"),
	"a name": (own) => say(own, "CLIENT SETNAME somebody"),
	AUTH: (own) => say(own, "AUTH default any"),
	RESET: (own) => say(own, "RESET"),
	"a subscription": (own) => say(own, "SUBSCRIBE lease:channel"),
	MONITOR: (own) => say(own, "MONITOR"),
	"a command that nobody knows": (own) => rejectionOf(own.command("LEASE.UNKNOWN")),
	"a reply that is still owed": async (own) => {
		own.command("BLPOP", "lease:none", 0).catch(() => {});
	},
	"a command that timed out": async (own) => {
		const late = own.with({ timeoutMs: 50 }).command("DEBUG", "SLEEP", "0.3");
		expect(await rejectionOf(late)).toMatchObject({ code: "TIMEOUT" });
	},
	"a command that was aborted": async (own) => {
		const abort = new AbortController();
		const popped = rejectionOf(own.with({ signal: abort.signal }).command("BLPOP", "lease:none", 0));
		await new Promise((resolve) => setImmediate(resolve));
		abort.abort();
		expect(await popped).toMatchObject({ code: "ABORTED" });
	},
};

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	let server: ServerNode;
	let client: Client;
	beforeAll(async () => {
		server = await startStandalone();
		client = await createClient({ url: server.url, protocol, pool: { maxDedicated: 1 } });
	});
	afterAll(async () => {
		await client.close();
		await server.stop();
	});
	const lease = <T>(use: (own: Client) => Promise<T>) => client.withConnection({}, use);
	const idAfter = (use: Use) =>
		lease(async (own) => {
			const id = await own.command("CLIENT", "ID");
			await use(own);
			return id;
		});

	/** As good as new: its database, its name, no transaction, nothing watched, nobody else's replies. */
	async function nextCaller(): Promise<unknown> {
		return lease(async (own) => {
			const info = String(await own.command("CLIENT", "LIST", "ID", String(await own.command("CLIENT", "ID"))));
			expect(info).toMatch(/ name= /);
			expect(info).toMatch(/ db=0 /);
			expect(info).toMatch(/ multi=-1 /);
			expect(info).toMatch(/ sub=0 /);
			await client.set("lease:k", "changed");
			await own.command("MULTI");
			await own.command("ECHO", "mine");
			expect(await own.command("EXEC")).toEqual(["mine"]);
			return own.command("CLIENT", "ID");
		});
	}

	test.each(Object.keys(clean))("C38 it does after %s", async (name) => {
		const id = await idAfter(clean[name]!);
		expect(await nextCaller()).toBe(id);
		expect(client.stats().connections).toBe(2);
	});

	test.each(Object.keys(changed))("C38 C20 it does not after %s: it is ended", async (name) => {
		const id = await idAfter(changed[name]!);
		expect(await nextCaller()).not.toBe(id);
		await waitUntil("its end at the server", async () => {
			const list = String(await server.raw("CLIENT", "LIST", "TYPE", "NORMAL"));
			return !list.includes(`id=${id} `) || list;
		});
		expect(client.stats()).toMatchObject({ connections: 2, inFlight: 0 });
	});

	test("C38 a caller that throws gives it back", async () => {
		const mine = new Error("mine");
		const id = await lease((own) => own.command("CLIENT", "ID"));
		await expect(lease(() => Promise.reject(mine))).rejects.toBe(mine);
		expect(await nextCaller()).toBe(id);
	});
});
