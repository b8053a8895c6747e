/** TLS options that Node would stumble over when a socket is on its way are refused before there is one. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Certificates, certificates } from "../../fixtures/certificates.js";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { activeResources, leftBehind } from "../support/leak-check.js";
import { rejectionOf } from "../support/secrets.js";

let server: ServerNode;
let made: Certificates;
beforeAll(async () => {
	[made, server] = await Promise.all([certificates(), startStandalone({ tls: true })]);
});
afterAll(() => server?.stop());

const url = () => `rediss://localhost:${server.port}`;

test.each([
	["servername", { servername: { name: "localhost" } }],
	["servername", { servername: null }],
	["session", { session: "a session" }],
	["checkServerIdentity", { checkServerIdentity: "always" }],
	["lookup", { lookup: "127.0.0.1" }],
	["timeout", { timeout: "1 s" }],
	["minDHSize", { minDHSize: "1024" }],
	["secureContext", { secureContext: {} }],
	["pskCallback", { pskCallback: 5 }],
	["highWaterMark", { highWaterMark: "64 KiB" }],
	["localPort", { localPort: "1024" }],
	["autoSelectFamilyAttemptTimeout", { autoSelectFamilyAttemptTimeout: "250 ms" }],
	["enableTrace", { enableTrace: "yes" }],
	// The nodes of a cluster would all be this one.
	["host", { host: "127.0.0.2" }],
	["port", { port: 1 }],
	["path", { path: "/no/such/socket" }],
	["socket", { socket: {} }],
])("C28 a wrong tls.%s is refused by its path, and leaves no socket", async (field, wrong) => {
	const before = activeResources();
	const error = await rejectionOf(
		createClient({ url: url(), tls: { ca: made.ca, ...wrong } as never, timeouts: { startMs: 200 } }),
	);
	expect(error).toMatchObject({ code: "INVALID_OPTION", field: `tls.${field}` });
	expect(leftBehind(before, activeResources())).toBe("");
});

test("C28 a field that is undefined is one that is not there", async () => {
	const fields = [
		"servername",
		"checkServerIdentity",
		"lookup",
		"session",
		"minDHSize",
		"rejectUnauthorized",
		"cert",
		"key",
		"host",
	];
	const none = Object.fromEntries(fields.map((field) => [field, undefined]));
	await using client = await createClient({ url: url(), tls: { ca: made.ca, ...none } as never });
	expect(await client.command("PING")).toBe("PONG");
	const error = await rejectionOf(createClient({ url: url(), tls: none as never, timeouts: { startMs: 200 } }));
	expect(error.message).toMatch(/UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN/);
});
