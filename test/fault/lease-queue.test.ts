/** Callers who want a connection of their own, when there are fewer connections than callers. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { type Client, type ClientOptions, createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { Gate } from "../support/gate.js";
import { rejectionOf } from "../support/secrets.js";

let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone();
});
afterAll(() => server.stop());

function connect(protocol: 2 | 3, pool: ClientOptions["pool"]): Promise<Client> {
	return createClient({ url: server.url, protocol, pool: { ...pool } });
}

/** Holds a lease until the gate opens. */
async function hold(client: Client): Promise<{ gate: Gate; done: Promise<void> }> {
	const gate = new Gate();
	const begun = new Gate();
	const done = client.withConnection({}, async () => {
		begun.open();
		await gate.opened;
	});
	await begun.opened;
	return { gate, done };
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C38 at most maxDedicated at once, and every caller is served", async () => {
		await using client = await connect(protocol, { maxDedicated: 3 });
		let now = 0;
		let most = 0;
		const ids = await Promise.all(
			Array.from({ length: 30 }, () =>
				client.withConnection({}, async (own) => {
					now += 1;
					most = Math.max(most, now);
					const id = await own.command("CLIENT", "ID");
					await own.command("BLPOP", "lease:none", 0.01);
					now -= 1;
					return id;
				}),
			),
		);
		expect(most).toBe(3);
		expect(new Set(ids).size).toBe(3);
		expect(client.stats()).toMatchObject({ connections: 4, inFlight: 0 });
		const clients = /connected_clients:(\d+)/.exec(String(await client.command("INFO", "clients")))?.[1];
		expect(Number(clients)).toBeLessThanOrEqual(4);
	});

	test("C38 whoever came first is served first", async () => {
		await using client = await connect(protocol, { maxDedicated: 1 });
		const { gate, done } = await hold(client);
		const order: number[] = [];
		const waiting = Array.from({ length: 10 }, (_, i) =>
			client.withConnection({}, async (own) => {
				order.push(i);
				await own.command("PING");
			}),
		);
		gate.open();
		await Promise.all([done, ...waiting]);
		expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
	});

	test("C38 the deadline covers the wait: TIMEOUT says that all are in use, and whoever is behind is not held up", async () => {
		await using client = await connect(protocol, { maxDedicated: 1 });
		const { gate, done } = await hold(client);
		let used = false;
		const late = client.with({ timeoutMs: 100 }).withConnection({}, async () => {
			used = true;
		});
		const behind = client.withConnection({}, async (own) => own.command("PING"));
		const error = await rejectionOf(late);
		expect(error).toMatchObject({ code: "TIMEOUT", message: expect.stringContaining("all 1 leased connections") });
		expect(error.message).toContain(addressOf(server));
		gate.open();
		await done;
		expect(await behind).toBe("PONG");
		expect(used).toBe(false);
	});

	test("C38 an abort gives up the place in the queue", async () => {
		await using client = await connect(protocol, { maxDedicated: 1 });
		const { gate, done } = await hold(client);
		const abort = new AbortController();
		const order: string[] = [];
		const use = (name: string) => async () => void order.push(name);
		const first = client.withConnection({}, use("first"));
		const aborted = rejectionOf(client.with({ signal: abort.signal }).withConnection({}, use("aborted")));
		const third = client.withConnection({}, use("third"));
		const reason = new Error("changed my mind");
		abort.abort(reason);
		expect(await aborted).toMatchObject({ code: "ABORTED", cause: reason });
		gate.open();
		await Promise.all([done, first, third]);
		expect(order).toEqual(["first", "third"]);
		const before = client.with({ signal: abort.signal }).withConnection({}, use("aborted before"));
		expect(await rejectionOf(before)).toMatchObject({ code: "ABORTED", cause: reason });
		expect(order).toHaveLength(2);
		expect(client.stats().connections).toBe(2);
	});
});

test("C38 C22 the queue of callers is bounded, and those who gave up take no room in it", async () => {
	await using client = await connect(3, { maxDedicated: 1, maxQueuedCommands: 2 });
	const { gate, done } = await hold(client);
	const abort = new AbortController();
	const first = client.withConnection({}, async () => "first");
	const gone = rejectionOf(client.with({ signal: abort.signal }).withConnection({}, async () => "gone"));
	expect(await rejectionOf(client.withConnection({}, async () => "refused"))).toMatchObject({ code: "OVERLOADED" });
	abort.abort();
	await gone;
	const second = client.withConnection({}, async () => "second");
	gate.open();
	await done;
	expect(await Promise.all([first, second])).toEqual(["first", "second"]);
});

test("C38 maxDedicated 0: no connection is leased", async () => {
	await using client = await connect(3, { maxDedicated: 0 });
	expect(await rejectionOf(client.withConnection({}, async () => 1))).toMatchObject({ code: "UNSUPPORTED" });
	expect(client.stats().connections).toBe(1);
});
