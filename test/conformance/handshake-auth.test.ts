/** Credentials: right, wrong, missing, from a provider, and taken back while the client runs. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { everythingOf, rejectionOf } from "../support/secrets.js";

let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone({
		requirepass: "sekret",
		users: {
			alice: "on >wonder1 ~* +@all",
			reader: "on >wonder2 ~* +@read -client",
			gone: "off >wonder3 ~* +@all",
		},
	});
});
afterAll(() => server.stop());

const withoutPassword = () => `redis://127.0.0.1:${server.port}`;

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each([
		["a wrong password", { password: "sekret-wrong" }],
		["an unknown user", { username: "nobody", password: "sekret-wrong" }],
		["a user that is off", { username: "gone", password: "wonder3" }],
	])("C04 %s is told at once, in one sentence without the secret", async (_what, auth) => {
		const began = performance.now();
		const error = await rejectionOf(createClient({ url: withoutPassword(), auth, protocol }));
		expect(performance.now() - began).toBeLessThan(5000);
		expect(error.code).toBe("AUTH");
		expect(error.message).toBe(`127.0.0.1:${server.port} refused the credentials (WRONGPASS)`);
		expect(everythingOf(error)).not.toMatch(/sekret|wonder/);
	});

	test("C04 a wrong password in the URL is not shown either", async () => {
		const error = await rejectionOf(createClient(`redis://alice:wonder9@127.0.0.1:${server.port}?protocol=${protocol}`));
		expect(error.code).toBe("AUTH");
		expect(everythingOf(error)).not.toContain("wonder");
	});

	test("C04 missing credentials are told at once", async () => {
		const error = await rejectionOf(createClient({ url: withoutPassword(), protocol }));
		expect(error).toMatchObject({ code: "AUTH", message: expect.stringMatching(/asks for credentials and none were given/) });
	});

	test("C04 an ACL user connects with what it may do, and is told what it may not", async () => {
		await using client = await createClient({
			url: withoutPassword(),
			auth: { username: "reader", password: "wonder2" },
			protocol,
		});
		expect(await client.get("handshake-auth:none")).toBeNull();
		await expect(client.set("handshake-auth:k", "v")).rejects.toMatchObject({ code: "NOPERM", maybeExecuted: false });
		expect(await client.mget(["handshake-auth:none"])).toEqual([null]);
	});
});

test("C04 a leased connection is refused for the same reason, and the shared ones go on", async () => {
	let password = "wonder1";
	await using client = await createClient({ url: withoutPassword(), auth: () => ({ username: "alice", password }) });
	password = "wonder8";
	const error = await rejectionOf(client.withConnection({}, async () => {}));
	expect(error.code).toBe("AUTH");
	expect(everythingOf(error)).not.toContain("wonder");
	expect(await client.command("ACL", "WHOAMI")).toBe("alice");
});

describe("a provider of credentials", () => {
	test("C04 is asked for every connection, with its node, and its newest answer counts", async () => {
		const asked: unknown[] = [];
		let password = "rotated1";
		await server.raw("ACL", "SETUSER", "rotating", "on", ">rotated1", "~*", "+@all");
		await using client = await createClient({
			url: withoutPassword(),
			auth: async (node) => {
				asked.push(node);
				return { username: "rotating", password };
			},
			retry: { baseMs: 1, maxMs: 20 },
		});
		expect(asked).toEqual([{ host: "127.0.0.1", port: server.port }]);
		password = "rotated2";
		await server.raw("ACL", "SETUSER", "rotating", "resetpass", ">rotated2");
		await server.raw("CLIENT", "KILL", "USER", "rotating");
		expect(await client.get("handshake-auth:none")).toBeNull();
		expect(await client.command("ACL", "WHOAMI")).toBe("rotating");
		expect(asked).toHaveLength(2);
	});

	test.each([
		["rejects", () => Promise.reject(new Error("vault is down"))],
		[
			"throws",
			() => {
				throw new Error("vault is down");
			},
		],
		["gives no string", () => ({ password: 12345 as unknown as string })],
	])("C04 that %s is an AUTH error at once", async (_what, auth) => {
		const error = await rejectionOf(createClient({ url: withoutPassword(), auth }));
		expect(error).toMatchObject({ code: "AUTH", message: expect.stringMatching(/^127\.0\.0\.1:\d+: the credential provider /) });
		expect(everythingOf(error)).not.toContain("12345");
	});

	test("C04 waiters are told when credentials were taken back, and the server is not asked in a loop", async () => {
		const maxMs = 60;
		const asked: number[] = [];
		await server.raw("ACL", "SETUSER", "leaver", "on", ">leaving", "~*", "+@all");
		await using client = await createClient({
			url: withoutPassword(),
			auth: () => {
				asked.push(performance.now());
				return { username: "leaver", password: "leaving" };
			},
			retry: { baseMs: 1, maxMs },
		});
		await server.raw("ACL", "DELUSER", "leaver");
		for (let attempt = 1; attempt <= 3; attempt++) {
			const error = await rejectionOf(client.get("handshake-auth:none"));
			expect(error.code).toBe("AUTH");
			expect(everythingOf(error)).not.toContain("leaving");
		}
		const refusals = asked.slice(1);
		expect(refusals.length).toBeGreaterThanOrEqual(2);
		// The first reconnection follows a lost connection, those after it a refusal. Timers may fire a millisecond early.
		for (let i = 1; i < refusals.length; i++) {
			expect((refusals[i] as number) - (refusals[i - 1] as number)).toBeGreaterThan(maxMs - 2);
		}
		await server.raw("ACL", "SETUSER", "leaver", "on", ">leaving", "~*", "+@all");
		await expect
			.poll(() => client.get("handshake-auth:none").catch((error) => error.code), { timeout: 5000, interval: 10 })
			.toBeNull();
	});
});
