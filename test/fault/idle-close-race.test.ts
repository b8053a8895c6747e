/** A server that closes idle connections does so at the very moment a command is on its way. */
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";

const CLIENTS = 12;
const SECONDS = 8;

/**
 * The server counts idleness in whole seconds of its clock and looks ten times a second: what was last used at 0.96 s is closed between
 * 2.0 and 2.1 s. Pauses of about 0.9 and 1.1 s in turn, aligned with that clock, lead every other command into that window, the clients
 * one after the other.
 */
function* moments(client: number): Generator<number> {
	const start = Math.ceil(Date.now() / 1000) * 1000;
	const offset = 20 + Math.round((client * 130) / (CLIENTS - 1));
	for (let second = 0; second < SECONDS; second += 2) {
		yield start + second * 1000 + offset;
		yield start + second * 1000 + 960;
	}
}

test.concurrent.each([
	2, 3,
] as const)("C17 reads never meet the server's close of an idle connection, in RESP%i", async (protocol) => {
	await using server = await startStandalone({ args: ["--timeout", "1"] });
	await server.raw("SET", "k", "v");
	let acknowledged = 0;
	let unknown = 0;
	let reconnects = 0;
	const run = async (index: number): Promise<void> => {
		await using client = await createClient({ url: server.url, protocol });
		for (const moment of moments(index)) {
			await sleep(Math.max(0, moment - Date.now()));
			// Every third client also writes: nothing is run twice, and nothing unknown passes for done.
			const write =
				index % 3 === 0
					? client.command("INCR", "n").then(
							() => {
								acknowledged += 1;
							},
							(error) => {
								expect(error).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
								unknown += 1;
							},
						)
					: undefined;
			expect(await client.get("k")).toBe("v");
			await write;
		}
		reconnects += client.stats().reconnects;
	};
	await Promise.all(Array.from({ length: CLIENTS }, (_, index) => run(index)));
	// Otherwise nothing was shown.
	expect(reconnects).toBeGreaterThan(0);
	const counted = Number(await server.raw("GET", "n"));
	expect(counted).toBeGreaterThanOrEqual(acknowledged);
	expect(counted).toBeLessThanOrEqual(acknowledged + unknown);
});

/** Woken up, the server looks at its clock before it looks at its sockets: Linux interrupts the wait of a stopped process. */
const onLinux = process.platform === "linux" ? test : test.skip;

onLinux.each([2, 3] as const)(
	"C17 the server's close crosses commands on their way (Linux): reads do not notice, a write says so, in RESP%i",
	async (protocol) => {
		await using server = await startStandalone({ args: ["--timeout", "1"] });
		await server.raw("SET", "k", "v");
		await using client = await createClient({ url: server.url, protocol });
		expect(await client.get("k")).toBe("v");
		const idleSince = Date.now();
		await server.pause();
		await waitUntil("three idle seconds", () => Date.now() - idleSince > 3000 || "less than that");
		const calls = [client.get("k"), client.command("INCR", "n").catch((error) => error), client.mget(["k", "none"])];
		await turn();
		await server.resume();
		const [value, write, values] = await Promise.all(calls);
		expect([value, values]).toEqual(["v", ["v", null]]);
		expect(client.stats().reconnects).toBe(1);
		expect(write).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
	},
);
