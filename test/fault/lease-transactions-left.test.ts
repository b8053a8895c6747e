/** A transaction or a WATCH whose end was never accepted is not left to the next one who has the connection. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { rejectionOf } from "../support/secrets.js";

let server: ServerNode;
let client: Client;
beforeAll(async () => {
	server = await startStandalone();
});
afterAll(() => server?.stop());
beforeEach(async () => {
	client = await createClient({ url: server.url, pool: { maxDedicated: 1 } });
	await client.set("left:k", "v");
});
afterEach(() => client?.close());

const lease = <T>(use: (own: Client) => Promise<T>) => client.withConnection({}, use);

const left: Record<string, (own: Client) => Promise<unknown>> = {
	"MULTI whose EXEC was aborted before it was written": async (own) => {
		await own.command("MULTI");
		await own.command("SET", "left:k", "of the aborted one");
		const abort = new AbortController();
		const exec = rejectionOf(own.with({ signal: abort.signal }).command("EXEC"));
		abort.abort();
		expect(await exec).toMatchObject({ code: "ABORTED" });
		// Nothing is owed from here on: the connection looks as good as new.
		expect(await own.command("ECHO", "still inside")).toBe("QUEUED");
	},
	"MULTI whose DISCARD was aborted before it was written": async (own) => {
		await own.command("MULTI");
		const abort = new AbortController();
		const discard = rejectionOf(own.with({ signal: abort.signal }).command("DISCARD"));
		abort.abort();
		expect(await discard).toMatchObject({ code: "ABORTED" });
		expect(await own.command("ECHO", "still inside")).toBe("QUEUED");
	},
	"MULTI and a DISCARD that was refused": async (own) => {
		await own.command("MULTI");
		expect(await rejectionOf(own.command("DISCARD", "x"))).toMatchObject({ code: "ERR" });
	},
	"WATCH and an UNWATCH that was refused": async (own) => {
		await own.command("WATCH", "left:watched");
		expect(await rejectionOf(own.command("UNWATCH", "x"))).toMatchObject({ code: "ERR" });
	},
	"WATCH, MULTI and a DISCARD that was refused": async (own) => {
		await own.command("WATCH", "left:watched");
		await own.command("MULTI");
		expect(await rejectionOf(own.command("DISCARD", "x"))).toMatchObject({ code: "ERR" });
	},
};

test.each(Object.keys(left))("C20 C38 the next caller has its own answers after %s", async (name) => {
	await lease(left[name]!);
	await client.incr("left:watched");
	expect(await lease((own) => own.get("left:k"))).toBe("v");
});

test.each(Object.keys(left))("C20 C38 the next caller's transaction is its own after %s", async (name) => {
	await lease(left[name]!);
	await client.incr("left:watched");
	const replies = await lease(async (own) => {
		expect(await own.command("MULTI")).toBe("OK");
		expect(await own.command("ECHO", "mine")).toBe("QUEUED");
		return own.command("EXEC");
	});
	expect(replies).toEqual(["mine"]);
	expect(await client.get("left:k")).toBe("v");
});
