/** A command that is larger than the bound itself. */
import { expect, test } from "vitest";
import { startStandalone } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { rejectionOf } from "../support/secrets.js";

test.each([
	["a string", "v".repeat(1_000_000)],
	["a borrowed Buffer", Buffer.alloc(1_000_000, "v")],
])("C22 a command larger than the bound is accepted when nothing else is owed, %s", async (_, value) => {
	await using server = await startStandalone();
	await using client = await createClient({ url: server.url, pool: { maxQueuedBytes: 64 * 1024 } });
	expect(await client.set("large", value)).toBe("OK");
	await server.pause();
	const small = client.set("small", "v");
	expect(await rejectionOf(client.set("large", value))).toMatchObject({ code: "OVERLOADED" });
	// It was that command which had no room, not all of them.
	const other = client.set("other", "v");
	await server.resume();
	expect(await Promise.all([small, other])).toEqual(["OK", "OK"]);
	await server.pause();
	const large = client.set("large", value);
	expect(await rejectionOf(client.get("small"))).toMatchObject({ code: "OVERLOADED" });
	await server.resume();
	expect(await large).toBe("OK");
	expect(await client.command("STRLEN", "large")).toBe(1_000_000);
});
