/** A connection of one's own that cannot be had. */
import { describe, expect, test } from "vitest";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { FakeNode } from "../support/fake-node.js";
import { Outcomes } from "../support/outcomes.js";
import { rejectionOf } from "../support/secrets.js";

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C38 C04 refused credentials: each caller is told, nothing is left, and the place is free for the next", async () => {
		await using server = await startStandalone({ requirepass: "old" });
		await using client = await createClient({ url: server.url, protocol, pool: { maxDedicated: 1 } });
		await client.command("CONFIG", "SET", "requirepass", "new");
		const before = Number(/total_connections_received:(\d+)/.exec(String(await client.command("INFO", "stats")))?.[1]);
		const outcomes = new Outcomes(Array.from({ length: 5 }, () => client.withConnection({}, async () => "used")));
		await outcomes.all;
		expect(outcomes.errors).toHaveLength(5);
		expect(outcomes.codes).toEqual(new Set(["AUTH"]));
		const after = Number(/total_connections_received:(\d+)/.exec(String(await client.command("INFO", "stats")))?.[1]);
		expect(after - before).toBe(5);
		expect(String(await client.command("INFO", "clients"))).toContain("connected_clients:1\r");
		expect(client.stats()).toMatchObject({ connections: 1, inFlight: 0, reconnects: 0 });
		await client.command("CONFIG", "SET", "requirepass", "old");
		expect(await client.withConnection({}, async () => "used")).toBe("used");
	});

	test("C38 C14 a server that is full: CONNECTION, and the next one works when there is room", async () => {
		await using server = await startStandalone({ args: ["--maxclients", "2"] });
		await using client = await createClient({ url: server.url, protocol, pool: { maxDedicated: 4 } });
		await client.withConnection({}, async () => {
			const outcomes = new Outcomes(Array.from({ length: 6 }, () => client.withConnection({}, async () => "used")));
			await waitUntil("refusals", () => outcomes.errors.length === 6 || `${outcomes.errors.length} were refused`);
			expect(outcomes.codes).toEqual(new Set(["CONNECTION"]));
			expect(client.stats().connections).toBe(2);
		});
		expect(await client.withConnection({}, async () => "used")).toBe("used");
	});

	test("C38 C12 a handshake that is not answered ends by connectMs, its socket as well", async () => {
		await using node = await FakeNode.start();
		await using client = await createClient({
			url: node.url,
			protocol,
			pool: { maxDedicated: 1 },
			timeouts: { connectMs: 200 },
		});
		node.always(["HELLO"], () => undefined);
		const error = await rejectionOf(client.withConnection({}, async () => "never"));
		expect(error).toMatchObject({ code: "TIMEOUT", message: expect.stringContaining("within 200 ms") });
		expect(error.message).toContain(addressOf(node));
		await waitUntil("the end of its socket", () => node.connections[1]!.closed || "open");
		expect(client.stats().connections).toBe(1);
	});

	test("C38 a caller who does not wait so long is told that connecting took too long, and the connection serves the next", async () => {
		await using node = await FakeNode.start();
		await using client = await createClient({ url: node.url, protocol, pool: { maxDedicated: 1 } });
		let answer!: () => void;
		const gate = new Promise<void>((resolve) => {
			answer = resolve;
		});
		node
			.expect((args, { index }) => args[0] === "HELLO" && index === 1)
			.reply(`${protocol === 3 ? "%1" : "*2"}\r\n$5\r\nproto\r\n:${protocol}\r\n`)
			.after(gate);
		const impatient = client.with({ timeoutMs: 100 }).withConnection({}, async () => "never");
		const error = await rejectionOf(impatient);
		expect(error).toMatchObject({ code: "TIMEOUT", message: expect.stringContaining("took too long to connect") });
		expect(error.message).toContain(addressOf(node));
		answer();
		expect(await client.withConnection({}, async () => "used")).toBe("used");
		expect(node.connections).toHaveLength(2);
	});
});
