/** The client ends while callers have, or wait for, connections of their own. */
import { describe, expect, inject, test } from "vitest";
import { createClient } from "../../src/index.js";
import { Gate } from "../support/gate.js";
import { Outcomes } from "../support/outcomes.js";
import { rejectionOf } from "../support/secrets.js";

describe.each(["close", "destroy"] as const)("%s()", (how) => {
	test.each([
		["standaloneUrl", 2],
		["standaloneUrl", 3],
		["clusterUrl", 3],
	] as const)("C38 C37 whoever waits is told CLOSED, whoever has one meets it at the next command (%s, RESP%i)", async (url, protocol) => {
		const client = await createClient({ url: inject(url), protocol, pool: { maxDedicated: 1 } });
		const gate = new Gate();
		const begun = new Gate();
		const holder = client.withConnection({ key: "lease:close" }, async (own) => {
			expect(await own.command("PING")).toBe("PONG");
			begun.open();
			await gate.opened;
			return await rejectionOf(own.command("PING"));
		});
		await begun.opened;
		let used = 0;
		const waiting = new Outcomes(
			Array.from({ length: 5 }, () =>
				client.withConnection({ key: "lease:close" }, async () => {
					used += 1;
				}),
			),
		);
		await client[how]();
		await waiting.all;
		expect(waiting.errors).toHaveLength(5);
		expect(waiting.codes).toEqual(new Set(["CLOSED"]));
		expect(used).toBe(0);
		gate.open();
		expect(await holder).toMatchObject({ code: "CLOSED" });
		expect(await rejectionOf(client.withConnection({}, async () => 1))).toMatchObject({ code: "CLOSED" });
		expect(client.stats()).toMatchObject({ connections: 0, inFlight: 0 });
		await client[how]();
	});
});
