/** More callers than connections, of whom many wait for ever. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { areBlocked } from "../support/blocked.js";
import { Gate } from "../support/gate.js";
import { rejectionOf } from "../support/secrets.js";

let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone();
});
afterAll(() => server.stop());

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C38 however many block for ever, whoever wants a connection gets one, and they take turns in the order of arrival", async () => {
		await using client = await createClient({ url: server.url, protocol, pool: { maxBlocked: 3, maxDedicated: 2 } });
		const patient = client.with({ timeoutMs: 0 });
		const order: number[] = [];
		const consumers = Array.from({ length: 10 }, (_, i) => patient.blpop("fair:queue", 0).then(() => void order.push(i)));
		await areBlocked(server, 3);
		expect(await Promise.all([1, 2, 3, 4].map(() => client.withConnection({}, (own) => own.command("PING"))))).toEqual(
			new Array(4).fill("PONG"),
		);
		expect(client.stats()).toMatchObject({ inFlight: 3 });
		expect(client.stats().connections).toBeLessThanOrEqual(1 + 3 + 2);
		for (let pushed = 1; pushed <= 10; pushed++) {
			await client.command("RPUSH", "fair:queue", pushed);
			await areBlocked(server, Math.min(3, 10 - pushed));
		}
		await Promise.all(consumers);
		// The first three may have reached the server in any order.
		expect(order.slice(0, 3).sort()).toEqual([0, 1, 2]);
		expect(order.slice(3)).toEqual([3, 4, 5, 6, 7, 8, 9]);
	});

	test("C38 and the other way round: whoever keeps his connections to himself holds up no command that blocks", async () => {
		await using client = await createClient({ url: server.url, protocol, pool: { maxBlocked: 1, maxDedicated: 1 } });
		const gate = new Gate();
		const begun = new Gate();
		const holder = client.withConnection({}, async () => {
			begun.open();
			await gate.opened;
		});
		await begun.opened;
		const late = rejectionOf(client.with({ timeoutMs: 50 }).withConnection({}, async () => 1));
		expect(await client.blpop("fair:none", 0.01)).toBeNull();
		// The connection that it leaves idle is not the second of the holder's kind.
		expect(await late).toMatchObject({ code: "TIMEOUT", message: expect.stringContaining("all 1 leased connections") });
		gate.open();
		await holder;
	});
});
