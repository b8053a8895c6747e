import { describe, expect, test } from "vitest";
import { credentialsFor } from "../../../src/connection/credentials.js";
import { followUps, type HandshakeOptions, helloCommand, readHello } from "../../../src/connection/handshake.js";
import { type ClientError, ReplyError } from "../../../src/errors.js";
import { resolveOptions } from "../../../src/options.js";
import type { Reply } from "../../../src/resp/reply.js";

const plain: HandshakeOptions = {
	node: "10.0.0.1:6379",
	protocol: 3,
	credentials: undefined,
	name: undefined,
	database: 0,
	mode: "standalone",
	readOnly: false,
};
const full: HandshakeOptions = { ...plain, credentials: { username: "alice", password: "sekret" }, name: "worker", database: 7 };

const hello = (fields: Record<string, Reply>): Reply =>
	new Map(Object.entries({ server: "redis", proto: 3, mode: "standalone", ...fields }));
const flat = (fields: Record<string, Reply>): Reply => [...(hello(fields) as Map<Reply, Reply>)].flat();

function errorOf(act: () => unknown): ClientError {
	try {
		act();
	} catch (error) {
		return error as ClientError;
	}
	throw new Error("nothing was thrown");
}

/** What the steps after HELLO make of these replies, in their order; "ready" when all are accepted. */
function verdictOf(options: HandshakeOptions, replies: Record<string, Reply>): string {
	try {
		for (const { args, accept } of followUps("fallback", options)) {
			const name = Object.keys(replies).find((prefix) => args.join(" ").startsWith(prefix));
			accept(name === undefined ? "OK" : (replies[name] as Reply));
		}
		return "ready";
	} catch (error) {
		return `${(error as ClientError).code}: ${(error as ClientError).message}`;
	}
}

describe("helloCommand", () => {
	test.each([
		["HELLO 3", plain],
		["HELLO 2", { ...plain, protocol: 2 as const }],
		["HELLO 3 AUTH default pw", { ...plain, credentials: { password: "pw" } }],
		["HELLO 3 AUTH alice pw", { ...plain, credentials: { username: "alice", password: "pw" } }],
		["HELLO 3 SETNAME n", { ...plain, name: "n" }],
		["HELLO 3 AUTH alice sekret SETNAME worker", full],
	])("C01 says %s", (line, options) => {
		expect(helloCommand(options as HandshakeOptions)).toEqual(line.split(" "));
	});

	test("C01 an empty password is a password", () => {
		expect(helloCommand({ ...plain, credentials: { password: "" } })).toEqual(["HELLO", "3", "AUTH", "default", ""]);
	});
});

describe("readHello", () => {
	test("C01 a map or a flat array that confirms the protocol", () => {
		expect(readHello(hello({}), plain)).toEqual({ protocol: 3, id: null });
		expect(readHello(flat({}), plain)).toEqual({ protocol: 3, id: null });
		expect(readHello(flat({ proto: 2 }), { ...plain, protocol: 2 })).toEqual({ protocol: 2, id: null });
		expect(readHello(hello({ id: 7 }), plain)).toEqual({ protocol: 3, id: 7 });
		expect(readHello(hello({ future: [1, 2] }), plain)).toEqual({ protocol: 3, id: null });
	});

	test.each([
		["another protocol", hello({ proto: 2 })],
		["no protocol", new Map([["mode", "standalone"]])],
		["a simple string", "OK"],
		["null", null],
		["an array with half a pair", ["proto"]],
	])("C01 %s is no confirmation", (_what, reply) => {
		expect(errorOf(() => readHello(reply as Reply, plain)).code).toBe("PROTOCOL");
	});

	test.each([
		"ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'default' 'sekret' ",
		"ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `default`, `sekret`, ",
		"ERR unknown command 'hello'",
	])("C02 falls back on: %s", (message) => {
		expect(readHello(new ReplyError(message), full)).toBe("fallback");
	});

	test.each([
		"NOPROTO unsupported protocol version",
		"NOPROTO sorry this protocol version is not supported",
		"ERR Protocol version is not an integer or out of range",
		"ERR Syntax error in HELLO option 'SETNAME'",
	])("C03 falls back on: %s", (message) => {
		expect(readHello(new ReplyError(message), full)).toBe("fallback");
	});

	test.each([
		["WRONGPASS invalid username-password pair or user is disabled.", "AUTH"],
		["NOAUTH HELLO must be called with the client already authenticated", "AUTH"],
		["NOPERM this user has no permissions to run the 'hello' command", "AUTH"],
		["ERR Client sent AUTH, but no password is set", "AUTH"],
		["ERR invalid password", "AUTH"],
		["DENIED Redis is running in protected mode", "CONNECTION"],
		["ERR max number of clients reached", "CONNECTION"],
		["ERR something else with 'sekret' in it", "CONNECTION"],
	])("C04 refuses on: %s", (message, code) => {
		const error = errorOf(() => readHello(new ReplyError(message), full));
		expect(error.code).toBe(code);
		expect(error.message).toContain(plain.node);
		expect(`${error.message}${error.stack}${error.cause}`).not.toContain("sekret");
	});

	test("C04 NOAUTH says whether credentials were given", () => {
		const noauth = new ReplyError("NOAUTH Authentication required.");
		expect(errorOf(() => readHello(noauth, plain)).message).toContain("none were given");
		expect(errorOf(() => readHello(noauth, full)).message).toContain("refused the credentials");
	});

	test.each([
		["cluster", "standalone", /is a cluster node: use a redis-cluster:\/\/ URL/],
		["standalone", "cluster", /is a standalone server: use a redis:\/\/ URL/],
		["sentinel", "standalone", /is a Sentinel/],
	] as const)("a server in mode %s refuses a %s client", (mode, wanted, sentence) => {
		const error = errorOf(() => readHello(hello({ mode }), { ...plain, mode: wanted }));
		expect(error).toMatchObject({ code: "CLUSTER", message: expect.stringMatching(sentence) });
	});
});

describe("followUps", () => {
	const words = (verdict: Parameters<typeof followUps>[0], options: HandshakeOptions) =>
		followUps(verdict, options).map(({ args }) => args.join(" ").replace(/LIB-VER .*/, "LIB-VER …"));

	test("C09 C10 after HELLO: CLIENT SETINFO twice, then the database", () => {
		const info = ["CLIENT SETINFO LIB-NAME slotwire", "CLIENT SETINFO LIB-VER …"];
		expect(words({ protocol: 3, id: 1 }, plain)).toEqual(info);
		expect(words({ protocol: 3, id: 1 }, full)).toEqual([...info, "SELECT 7"]);
	});

	test("D34 a cluster node that the topology names is asked who it is, in the same write", () => {
		const node = { ...plain, mode: "cluster" as const, identity: "a1" };
		expect(words({ protocol: 3, id: 1 }, node)).toContain("CLUSTER MYID");
		expect(words("fallback", { ...node, readOnly: true }).slice(-2)).toEqual(["CLUSTER MYID", "READONLY"]);
		const told = (reply: Reply) => verdictOf(node, { "CLUSTER MYID": reply });
		expect(told("a1")).toBe("ready");
		for (const reply of ["b2", new ReplyError("ERR This instance has cluster support disabled")]) {
			expect(told(reply)).toMatch(/^CONNECTION: 10\.0\.0\.1:6379 is another server/);
		}
		expect(told(new ReplyError("LOADING wait"))).toMatch(/^LOADING: 10\.0\.0\.1:6379 does not say who it is/);
		for (const reply of ["NOPERM no", "ERR unknown subcommand 'MYID'"]) {
			expect(told(new ReplyError(reply))).toBe("ready");
		}
		// A proxy's idea of an answer is none.
		for (const reply of [null, "", 1, []]) expect(told(reply)).toBe("ready");
	});

	test("D34 a standalone server in a cluster node's place is a passing trouble, for a seed a wrong URL", () => {
		const seed = { ...plain, mode: "cluster" as const };
		expect(errorOf(() => readHello(hello({ mode: "standalone" }), seed))).toMatchObject({ code: "CLUSTER" });
		const node = { ...seed, identity: "a1" };
		for (const mode of ["standalone", "sentinel"]) {
			expect(errorOf(() => readHello(hello({ mode }), node))).toMatchObject({ code: "CONNECTION" });
		}
		expect(readHello(hello({ mode: "cluster" }), node)).toEqual({ protocol: 3, id: null });
	});

	test("C02 in place of HELLO: AUTH, CLIENT SETNAME, and the rest", () => {
		const info = ["CLIENT SETINFO LIB-NAME slotwire", "CLIENT SETINFO LIB-VER …"];
		expect(words("fallback", full)).toEqual(["AUTH alice sekret", "CLIENT SETNAME worker", ...info, "SELECT 7"]);
		expect(words("fallback", { ...plain, credentials: { password: "pw" } })).toEqual(["AUTH pw", ...info]);
	});

	test("C04 without HELLO and without credentials PING asks whether there should be some", () => {
		expect(words("fallback", plain)[0]).toBe("PING");
		expect(verdictOf(plain, { PING: new ReplyError("NOAUTH Authentication required.") })).toMatch(/^AUTH: .*none were given/);
		for (const refusal of ["LOADING loading", "NOPERM no", "MASTERDOWN down", "ERR unknown command 'PING'"]) {
			expect(verdictOf(plain, { PING: new ReplyError(refusal) })).toBe("ready");
		}
	});

	test("C09 no answer to SETINFO matters", () => {
		for (const refusal of ["ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.", "NOPERM no", "ERR unknown command 'CLIENT'"]) {
			expect(verdictOf(full, { "CLIENT SETINFO": new ReplyError(refusal) })).toBe("ready");
		}
	});

	test("C10 a refused SELECT ends the connection, and says which database", () => {
		expect(verdictOf(full, { SELECT: new ReplyError("ERR DB index is out of range") })).toBe(
			"CONNECTION: 10.0.0.1:6379 refused SELECT 7 (ERR)",
		);
		expect(verdictOf({ ...plain, database: 7 }, { SELECT: new ReplyError("NOAUTH Authentication required.") })).toMatch(
			/^AUTH: /,
		);
	});

	test("C04 C06 a refused AUTH is told without the server's text", () => {
		const told = (message: string) => verdictOf(full, { AUTH: new ReplyError(message) });
		expect(told("WRONGPASS sekret")).toBe("AUTH: 10.0.0.1:6379 refused the credentials (WRONGPASS)");
		expect(told("ERR AUTH <password> called without any password configured for the default user. Are you sure?")).toBe(
			"AUTH: 10.0.0.1:6379 has no password configured, and one was given",
		);
		expect(verdictOf(full, { "CLIENT SETNAME": new ReplyError("ERR sekret") })).toBe(
			"CONNECTION: 10.0.0.1:6379 refused CLIENT SETNAME (ERR)",
		);
	});
});

describe("credentialsFor", () => {
	const node = { host: "10.0.0.1", port: 6379 };
	const settings = (auth: unknown) => resolveOptions({ auth: auth as () => { password: string } });

	test("C04 a provider is asked anew for each connection, with the node", async () => {
		const asked: unknown[] = [];
		const provider = settings((endpoint: unknown) => ({ password: `pw${asked.push(endpoint)}` }));
		expect(await credentialsFor(node, provider)).toEqual({ password: "pw1" });
		expect(await credentialsFor(node, provider)).toEqual({ password: "pw2" });
		expect(asked).toEqual([node, node]);
		expect(await credentialsFor(node, settings({ password: "fixed" }))).toEqual({ password: "fixed" });
		expect(await credentialsFor(node, settings(undefined))).toBeUndefined();
	});

	test("C04 a provider that forgets to give something, or calls it by other names, does not go on as nobody", async () => {
		const node = { host: "10.0.0.1", port: 6379 };
		for (const given of [undefined, null, { user: "ann", pass: "sekret" }]) {
			const error = await credentialsFor(
				node,
				settings(() => given as never),
			).catch((reason) => reason);
			expect(error).toMatchObject({
				code: "AUTH",
				message: "10.0.0.1:6379: the credential provider gave neither username nor password",
			});
		}
		expect(
			await credentialsFor(
				node,
				settings(() => ({})),
			),
		).toEqual({});
	});

	test("C04 a provider that fails, or gives no strings, is an AUTH error that names the node", async () => {
		const failing = settings(() => Promise.reject(Object.assign(new Error("vault is down"), { code: "ECONNREFUSED" })));
		await expect(credentialsFor(node, failing)).rejects.toMatchObject({
			code: "AUTH",
			// Of what the provider said nothing but its code: the rest may be a secret.
			message: "10.0.0.1:6379: the credential provider failed (ECONNREFUSED)",
		});
		const nameless = settings(() => Promise.reject(Object.assign(new Error("getaddrinfo"), { code: "EAI_AGAIN" })));
		await expect(credentialsFor(node, nameless)).rejects.toMatchObject({
			message: expect.stringMatching(/failed \(EAI_AGAIN\)$/),
		});
		for (const given of [{ password: 12 }, { password: null }, { username: {}, password: "p" }]) {
			const error = await credentialsFor(
				node,
				settings(() => given),
			).catch((reason) => reason);
			expect(error).toMatchObject({ code: "AUTH", message: expect.stringContaining("no string") });
		}
	});
});
