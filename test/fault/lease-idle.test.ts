/** Leased connections that nobody uses at the moment. */
import { describe, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";

async function connectionsBecome(client: Client, count: number): Promise<void> {
	await waitUntil(`${count} connections`, () => client.stats().connections === count || `${client.stats().connections}`);
}

/** So many leases at the same time. */
async function together(client: Client, count: number): Promise<unknown[]> {
	let begun = 0;
	let open!: () => void;
	const all = new Promise<void>((resolve) => {
		open = resolve;
	});
	return await Promise.all(
		Array.from({ length: count }, () =>
			client.withConnection({}, async (own) => {
				begun += 1;
				if (begun === count) open();
				await all;
				return own.command("CLIENT", "ID");
			}),
		),
	);
}

async function idsAtServer(server: ServerNode): Promise<number[]> {
	const list = String(await server.raw("CLIENT", "LIST", "TYPE", "NORMAL"));
	return [...list.matchAll(/^id=(\d+) /gm)].map(([, id]) => Number(id));
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C38 they end after idleMs, but minDedicated stay", async () => {
		await using server = await startStandalone();
		await using client = await createClient({ url: server.url, protocol, pool: { idleMs: 150, minDedicated: 1 } });
		const ids = await together(client, 4);
		expect(new Set(ids).size).toBe(4);
		expect(client.stats().connections).toBe(5);
		await connectionsBecome(client, 2);
		expect(ids).toContain(await client.withConnection({}, (own) => own.command("CLIENT", "ID")));
		// One that is used again and again is not idle, and nothing beyond the minimum is left.
		await connectionsBecome(client, 2);
		expect(client.stats().reconnects).toBe(0);
	});

	test("C38 without a minimum all of them end; idleMs 0 keeps them", async () => {
		await using server = await startStandalone();
		await using ends = await createClient({ url: server.url, protocol, pool: { idleMs: 100 } });
		await using keeps = await createClient({ url: server.url, protocol, pool: { idleMs: 0 } });
		await together(keeps, 3);
		await together(ends, 3);
		await connectionsBecome(ends, 1);
		expect(keeps.stats().connections).toBe(4);
	});

	test("C38 minDedicated are opened ahead, and the first caller gets one of them", async () => {
		await using server = await startStandalone();
		await using client = await createClient({ url: server.url, protocol, pool: { minDedicated: 2 } });
		await connectionsBecome(client, 3);
		const known = await idsAtServer(server);
		expect(known).toContain(await client.withConnection({}, (own) => own.command("CLIENT", "ID")));
		expect(client.stats().connections).toBe(3);
	});

	test("C38 C15 one that the server ended is not handed out, and made up for", async () => {
		await using server = await startStandalone();
		await using client = await createClient({ url: server.url, protocol, pool: { minDedicated: 1, pingMs: 50 } });
		await connectionsBecome(client, 2);
		const id = (await client.withConnection({}, (own) => own.command("CLIENT", "ID"))) as number;
		const before = await idsAtServer(server);
		await server.raw("CLIENT", "KILL", "ID", id);
		// That there is one less for a moment, before a PING's turn makes up for it, nobody may see. The last one of the list is this question's own.
		await waitUntil("one in its place", async () => {
			const now = await idsAtServer(server);
			return (!now.includes(id) && now.length === before.length) || `${now} after ${before}`;
		});
		expect(await client.withConnection({}, (own) => own.command("CLIENT", "ID"))).not.toBe(id);
		expect(await client.withConnection({}, (own) => own.set("k", "v"))).toBe("OK");
		expect(client.stats()).toMatchObject({ connections: 2, reconnects: 0 });
	});
});
