/** User names and passwords are bytes to the server: what a URL, an option or a provider says arrives as it was meant. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { type ClientOptions, createClient } from "../../src/index.js";
import { everythingOf, rejectionOf } from "../support/secrets.js";

let server: ServerNode;
/** It has no HELLO, so that AUTH carries them. */
let old: ServerNode;
beforeAll(async () => {
	[server, old] = await Promise.all([startStandalone(), startStandalone({ args: ["--rename-command", "HELLO", ""] })]);
});
afterAll(async () => {
	await Promise.all([server?.stop(), old?.stop()]);
});

const pairs: Record<string, readonly [username: string, password: string]> = {
	"what a URL is made of": ["us:er@/?#[]", "p@ss:w/rd?x=1&y#z[%]%41+;,"],
	"quotes, blanks and backslashes": [`"it's"\\`, ` p w "x" '\\n' \` `],
	"Cyrillic, Japanese and an emoji": ["пользователь", "пароль-日本語-😀"],
	"letters in two forms": ["café", "cafe\u0301"],
	"control characters": ["user", "a\tb\r\nc\u0000d\u007f"],
	"what looks like RESP": ["$-1", "*3\r\n$4\r\nAUTH\r\n"],
	"one of 4096 letters": ["long", "€".repeat(4096)],
};

describe.each(Object.keys(pairs))("%s", (what) => {
	const [username, password] = pairs[what]!;

	test("C01 in a URL, in options, from a provider, in RESP2, RESP3 and by AUTH", async () => {
		await Promise.all(
			[server, old].map((each) => each.raw("ACL", "SETUSER", username, "reset", "on", `>${password}`, "~*", "+@all")),
		);
		const encoded = [username, password].map(encodeURIComponent).join(":");
		const forms: ((at: string) => ClientOptions)[] = [
			(at) => ({ url: `redis://${encoded}@${at}` }),
			(at) => ({ url: `redis://${at}`, auth: { username, password } }),
			(at) => ({ url: `redis://wrong:wrong@${at}`, auth: { username, password } }),
			(at) => ({ url: `redis://${at}`, auth: async () => ({ username, password }) }),
		];
		for (const { host, port } of [server, old]) {
			for (const form of forms) {
				for (const protocol of [2, 3] as const) {
					await using client = await createClient({ ...form(`${host}:${port}`), protocol });
					expect(await client.command("ACL", "WHOAMI")).toBe(username);
					expect(await client.withConnection({}, (own) => own.command("ACL", "WHOAMI"))).toBe(username);
				}
			}
		}
	});

	test("C04 a password that differs by its last letter is refused, and neither is shown", async () => {
		for (const { host, port } of [server, old]) {
			const error = await rejectionOf(
				createClient({ url: `redis://${host}:${port}`, auth: { username, password: `${password}x` } }),
			);
			expect(error).toMatchObject({ code: "AUTH", message: `${host}:${port} refused the credentials (WRONGPASS)` });
			expect(everythingOf(error)).not.toContain(password);
		}
	});
});

test("C01 letters that need no escape in a URL are taken as they are", async () => {
	await server.raw("ACL", "SETUSER", "größe", "reset", "on", ">пароль:日本!$&'()*+,;=-._~", "~*", "+@all");
	await using client = await createClient(`redis://größe:пароль:日本!$&'()*+,;=-._~@127.0.0.1:${server.port}`);
	expect(await client.command("ACL", "WHOAMI")).toBe("größe");
});

test("C01 two users whose names look alike are two users", async () => {
	const names = ["ана", "aнa"];
	for (const name of names) await server.raw("ACL", "SETUSER", name, "reset", "on", `>${name}`, "~*", "+@all");
	for (const name of names) {
		await using client = await createClient({ url: server.url, auth: { username: name, password: name } });
		expect(await client.command("ACL", "WHOAMI")).toBe(name);
	}
});
