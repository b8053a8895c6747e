/** However a call, a connection or a start fails: nothing that can be logged shows a password, a private key or a value. */
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Certificates, certificates, make } from "../../fixtures/certificates.js";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { type BatchError, type Client, type ClientOptions, createClient } from "../../src/index.js";
import { startFakeClusterNode } from "../support/fake-cluster.js";
import { FakeNode } from "../support/fake-node.js";
import { leaksOf } from "../support/leaks.js";
import { TcpProxy } from "../support/proxy.js";

const PASSWORD = "s3kr3t-Pässwort?&%";
const USER_SECRET = "w0nder-of-alice";
const VALUE = "a-value-of-yours";
const BYTES = Buffer.from(`${VALUE} and more of it`);

let server: ServerNode;
let tls: ServerNode;
let mutual: ServerNode;
let withoutHello: ServerNode;
let made: Certificates;
let foreign: Certificates;
let deadPort: number;
let secrets: string[];
beforeAll(async () => {
	const users = { alice: `on >${USER_SECRET} ~app:* +@read +@connection +ping` };
	[made, foreign, server, tls, mutual, withoutHello] = await Promise.all([
		certificates(),
		make(),
		startStandalone({ requirepass: PASSWORD, users }),
		startStandalone({ requirepass: PASSWORD, tls: true }),
		startStandalone({ requirepass: PASSWORD, tls: "mutual" }),
		startStandalone({ requirepass: PASSWORD, args: ["--rename-command", "HELLO", ""] }),
	]);
	const listener = createServer();
	await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
	deadPort = (listener.address() as { port: number }).port;
	await new Promise((resolve) => listener.close(resolve));
	secrets = [PASSWORD, USER_SECRET, VALUE, keyBody(made.client.key), keyBody(foreign.client.key)];
});
afterAll(async () => {
	await Promise.all([server, tls, mutual, withoutHello].map((each) => each?.stop()));
});

/** A line of it that no other key has. */
function keyBody(pem: string): string {
	return pem.split("\n")[2]!;
}

const at = (port: number, scheme = "redis") => `${scheme}://127.0.0.1:${port}`;
const auth = { password: PASSWORD };
const wrong = { password: `${PASSWORD}, but wrong` };
const soon = { connectMs: 100, startMs: 300, commandMs: 2000, closeMs: 50 };
const retry = { baseMs: 1, maxMs: 20 };

/** What became of it: the error, or the client that there should not be. */
async function startOf(options: string | ClientOptions): Promise<unknown> {
	const whole = typeof options === "string" ? options : { retry, ...options, timeouts: { ...soon, ...options.timeouts } };
	const end = await createClient(whole).then(
		(client) => client,
		(error: unknown) => error,
	);
	if (end instanceof Error) return end;
	(end as Client).destroy();
	throw new Error("it connected");
}

const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
	promise.then(
		(value) => {
			throw new Error(`it resolved with ${typeof value}`);
		},
		(error: unknown) => error,
	);

type Row = (protocol: 2 | 3) => Promise<unknown[]>;

/** Runs `body` with a client, and adds what can be seen of it meanwhile. */
async function withClient(options: ClientOptions, body: (client: Client) => Promise<unknown[]>): Promise<unknown[]> {
	await using client = await createClient({ retry, ...options, timeouts: { ...soon, ...options.timeouts } });
	const shown = await body(client);
	return [...shown, client, client.stats(), client.buffers, client.with({ timeoutMs: 5 }), `${client}`];
}

/** A server that puts what it was told into what it says. */
async function echoing(body: (node: FakeNode) => Promise<unknown[]>, more?: (node: FakeNode) => void): Promise<unknown[]> {
	const node = await FakeNode.start();
	const echo = ([name, ...args]: readonly string[]) =>
		Buffer.from(
			`-ERR unknown command '${name}', with args beginning with: ${args.map((each) => `'${each}' `).join("")}\r\n`,
			"latin1",
		);
	node.always(["HELLO"], echo).always(["AUTH"], echo).always(["CLIENT"], echo).always(["SELECT"], echo);
	more?.(node);
	try {
		return await body(node);
	} finally {
		await node.close();
	}
}

const starts: Record<string, Row> = {
	"C04 a wrong password": async (protocol) => [
		await startOf({ url: at(server.port), auth: wrong, protocol }),
		await startOf({ url: at(server.port), auth: { username: "alice", password: PASSWORD }, protocol }),
		await startOf(`redis://:${encodeURIComponent(wrong.password)}@127.0.0.1:${server.port}?protocol=${protocol}`),
		await startOf({ url: at(server.port), auth: async () => wrong, protocol }),
	],
	"C02 C04 a wrong password for a server without HELLO": async (protocol) => [
		await startOf({ url: at(withoutHello.port), auth: wrong, protocol }),
		await startOf({ url: at(withoutHello.port), auth: { username: "nobody", password: PASSWORD }, protocol }),
	],
	"C02 a server that echoes HELLO, AUTH and CLIENT": (protocol) =>
		echoing(async (node) => [
			await startOf({ url: node.url, auth, protocol, database: 2 }),
			await startOf({ nodes: [{ host: node.host, port: node.port }], auth: { username: "u", ...auth }, protocol }),
		]),
	"C07 a server that quotes the password in other words": async (protocol) => {
		const quotes = [
			"ERR Syntax error in HELLO option",
			"ERR AUTH failed for",
			"ERR invalid password",
			"WRONGPASS wrong:",
			"ERR max number of clients",
			"ERR nonsense",
			"NOPERM",
			"DENIED",
		];
		const shown: unknown[] = [];
		for (const quote of quotes) {
			const line = Buffer.from(`-${quote} ${PASSWORD}\r\n`);
			shown.push(
				...(await echoing(
					async (node) => [await startOf({ url: node.url, auth, protocol, timeouts: { startMs: 60 } })],
					(node) => node.always(["HELLO"], line).always(["AUTH"], line),
				)),
			);
		}
		return shown;
	},
	"C06 a password for a server that has none": async (protocol) => {
		await using open = await startStandalone({ args: ["--rename-command", "HELLO", ""] });
		return [await startOf({ url: at(open.port), auth, protocol })];
	},
	"C28 TLS that fails": async (protocol) => {
		const rows: ClientOptions[] = [
			{ url: at(tls.port, "rediss") },
			{ url: at(tls.port, "rediss"), tls: { ca: foreign.ca, ...foreign.client } },
			{ url: at(tls.port, "rediss"), tls: { ca: made.ca, ...made.client, servername: "else.example" } },
			{ url: at(mutual.port, "rediss"), tls: { ca: made.ca } },
			{ url: at(mutual.port, "rediss"), tls: { ca: made.ca, ...foreign.client } },
			{ url: at(mutual.port, "rediss"), tls: { ca: made.ca, ...foreign.client, maxVersion: "TLSv1.2" } },
			{ url: at(server.port, "rediss"), tls: { ca: made.ca, ...made.client } },
			{ url: at(tls.port, "redis") },
			{ url: at(tls.port, "rediss-cluster"), tls: { ca: foreign.ca, ...foreign.client } },
			{ url: at(deadPort, "rediss"), tls: { ca: made.ca, ...made.client } },
		];
		return Promise.all(rows.map((row) => startOf({ ...row, auth, protocol })));
	},
	"C28 TLS options that make no sense": async () => {
		const { key, cert } = made.client;
		const pem = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
			type: "pkcs8",
			format: "pem",
			cipher: "aes-256-cbc",
			passphrase: USER_SECRET,
		}) as string;
		const rows: ClientOptions["tls"][] = [
			{ key: keyBody(key), cert },
			{ key: key.replace("PRIVATE", "PUBLIC"), cert },
			{ key: foreign.client.key, cert },
			{ key: pem, cert, passphrase: PASSWORD },
			{ key: [key, { pem: 5 }] as never, cert },
			{ ca: made.ca, key, cert, ciphers: PASSWORD },
			{ ca: made.ca, key, cert, minVersion: PASSWORD as never },
			{ ca: made.ca, key, cert, servername: { [PASSWORD]: PASSWORD } as never },
			{ ca: made.ca, key, cert, session: PASSWORD as never },
			PASSWORD as never,
		];
		return Promise.all(rows.map((row) => startOf({ url: at(tls.port, "rediss"), auth, tls: row! })));
	},
	"C12 servers that are not there, or silent": async (protocol) => {
		await using silent = await FakeNode.start();
		silent.always(["HELLO"], () => undefined).always(["AUTH"], () => undefined);
		const rows: ClientOptions[] = [
			{ url: at(deadPort) },
			{ url: at(deadPort, "redis-cluster") },
			{ url: silent.url },
			{ nodes: [{ host: "127.0.0.1", port: deadPort }, `127.0.0.1:${silent.port}`] },
			{ url: `unix:///tmp/no-such-socket` },
		];
		return Promise.all(rows.map((row) => startOf({ ...row, auth, protocol })));
	},
	"D10 a cluster whose seeds all refuse": async (protocol) => {
		await using forbidding = await startFakeClusterNode();
		forbidding.always(["CLUSTER", "SLOTS"], `-NOPERM user ${USER_SECRET.slice(0, 1)} may not\r\n`);
		return [
			await startOf({ nodes: [`127.0.0.1:${server.port}`], auth, protocol }),
			await startOf({ nodes: [`127.0.0.1:${server.port}`, `127.0.0.1:${deadPort}`], auth: wrong, protocol }),
			await startOf({ nodes: [`127.0.0.1:${forbidding.port}`], auth, protocol }),
		];
	},
	"C04 a provider that fails with the password in its error": async (protocol) => {
		const deep = new Error(`no lease for ${PASSWORD}`, { cause: { response: { body: PASSWORD } } });
		const rows: (() => never | Promise<never>)[] = [
			() => {
				throw deep;
			},
			() => Promise.reject(deep),
			() => Promise.reject(Object.assign(new Error("denied"), { config: { headers: { token: PASSWORD } } })),
			() => Promise.reject(Object.assign(new Error("denied"), { code: PASSWORD, name: PASSWORD })),
			() => Promise.reject(PASSWORD),
			() => Promise.reject({ toString: () => PASSWORD, token: PASSWORD }),
			() => Promise.resolve({ password: [PASSWORD] } as never),
			() => Promise.resolve({ password: Buffer.from(PASSWORD) } as never),
			() => new Promise(() => {}),
		];
		const urls = [at(server.port), at(server.port, "redis-cluster")];
		return Promise.all(rows.flatMap((row) => urls.map((url) => startOf({ url, auth: row, protocol }))));
	},
	"B14 a URL that is none": async () => {
		const escaped = encodeURIComponent(PASSWORD);
		const port = server.port;
		const urls = [
			`http://u:${escaped}@127.0.0.1`,
			`redis://:${PASSWORD}@127.0.0.1:${port}`,
			`redis://:${USER_SECRET}/@127.0.0.1:${port}`,
			`redis://:${USER_SECRET}#@127.0.0.1:${port}`,
			`redis://:${USER_SECRET}?@127.0.0.1:${port}`,
			`redis://:${USER_SECRET}@@127.0.0.1:${port}`,
			`redis://:${USER_SECRET}%@127.0.0.1:${port}`,
			`redis://:${escaped}@127.0.0.1:99999`,
			`redis://:${escaped}@127.0.0.1/x`,
			`redis://:${escaped}@127.0.0.1?nope=1`,
			`redis://127.0.0.1:${USER_SECRET}`,
			`redis://127.0.0.1?password=${USER_SECRET}`,
			`redis://${USER_SECRET}:@127.0.0.1:0`,
			`redis-sentinel://:${escaped}@127.0.0.1`,
			`unix://:${escaped}@`,
			` redis://:${USER_SECRET}@127.0.0.1`,
		];
		return Promise.all(urls.flatMap((url) => [startOf(url), startOf({ url })]));
	},
	"B14 options that are refused": async () => {
		const url = at(server.port);
		const rows: unknown[] = [
			{ url, auth: PASSWORD },
			{ url, auth: { password: [PASSWORD] } },
			{ url, auth: { username: { PASSWORD }, password: PASSWORD } },
			{ url, auth: { ...auth, token: PASSWORD } },
			{ url, auth, password: PASSWORD },
			{ url, auth, database: PASSWORD },
			{ url, auth, name: PASSWORD },
			{ url, auth, protocol: PASSWORD },
			{ url, auth, pool: { shared: PASSWORD } },
			{ url, auth, cluster: { natMap: PASSWORD } },
			{ nodes: [`:${PASSWORD}@127.0.0.1:${server.port}`], auth },
			{ nodes: [{ host: PASSWORD, port: PASSWORD }], auth },
			{ nodes: PASSWORD },
			{ url: [PASSWORD] },
			[PASSWORD],
		];
		return Promise.all(rows.map((row) => errorOf(createClient(row as ClientOptions))));
	},
};

const calls: Record<string, Row> = {
	"B14 errors of the server": (protocol) =>
		withClient({ url: at(server.port), auth, protocol }, async (client) => {
			await client.set("list", VALUE);
			const rows: Promise<unknown>[] = [
				client.command("LPUSH", "list", VALUE),
				client.command("INCRBY", "list", VALUE),
				client.command("NOSUCH", VALUE, VALUE),
				client.command("CONFIG", "SET", "requirepass", PASSWORD, "nosuch", VALUE),
				client.command("ACL", "SETUSER", "bob", `>${PASSWORD}`, `+${VALUE}`),
				client.command("EVAL", "return redis.call('LPUSH', KEYS[1], ARGV[1])", 1, "list", VALUE),
				client.command("EVAL", "return redis.call('NOSUCH', ARGV[1])", 0, VALUE),
				client.command("SET", "list", VALUE, VALUE, VALUE),
				client.command("MIGRATE", "127.0.0.1", 1, "list", 0, 10, "AUTH2", "u", PASSWORD),
				client.command("EXPIRE", "list", VALUE),
				client.withConnection({}, (own) => own.command("AUTH", VALUE)),
				client.withConnection({}, (own) => own.command("HELLO", 3, "AUTH", "default", VALUE)),
				client.withConnection({}, (own) => own.command("AUTH", "default", VALUE, VALUE)),
				client.withConnection({}, (own) => own.command("CLIENT", "SETNAME", `${VALUE} ${VALUE}`)),
			];
			return Promise.all(rows.map(errorOf));
		}),
	"C36 NOPERM": (protocol) =>
		withClient({ url: at(server.port), auth: { username: "alice", password: USER_SECRET }, protocol }, async (client) => [
			await errorOf(client.set("app:k", VALUE)),
			await errorOf(client.command("CONFIG", "SET", "requirepass", VALUE)),
			await errorOf(client.command("NOSUCH", VALUE)),
			await errorOf(client.setMany([["app:k", VALUE]])),
			await errorOf(client.get("other:k")),
		]),
	"B05 arguments that are refused": (protocol) =>
		withClient({ url: at(server.port), auth, protocol }, async (client) => {
			const odd = [undefined, null, true, { [VALUE]: VALUE }, [VALUE], new Date(), Symbol(VALUE), () => VALUE, Number.NaN];
			const rows = odd.flatMap((value) => [
				client.set("k", value as never),
				client.command("SET", VALUE, value as never, VALUE),
				client.setMany([
					[VALUE, VALUE],
					["k", value as never],
				]),
				client.mget([VALUE, value as never]),
				client.set(VALUE, VALUE, { ex: value as never, px: VALUE as never }),
			]);
			rows.push(client.set("k", `${VALUE}\ud800`));
			rows.push(client.command("SUBSCRIBE", VALUE), client.command("AUTH", PASSWORD), client.command(""));
			return Promise.all(rows.map(errorOf));
		}),
	"B14 a batch in which some fail": (protocol) =>
		withClient({ url: at(server.port), auth, protocol }, async (client) => {
			await client.setMany([
				["text:1", VALUE],
				["text:2", VALUE],
			]);
			const pipeline = client.pipeline().get("text:1").command("LPUSH", "text:2", VALUE).set("text:3", BYTES);
			const small = Buffer.alloc(4);
			return [
				pipeline,
				await errorOf(client.setMany([["text:1", VALUE, { nx: true, xx: true } as never]])),
				await errorOf(client.getInto("text:1", small)),
				...((await pipeline.exec()) as unknown[]).filter((result) => result instanceof Error),
			];
		}),
	"B14 a batch of which a part was read": async (protocol) => {
		await using proxy = await TcpProxy.start(server);
		return await withClient({ url: proxy.url, auth, protocol, retry: { maxAttempts: 0 } }, async (client) => {
			const keys = Array.from({ length: 400 }, (_, index) => `part:${index}`);
			await client.setMany(keys.map((key) => [key, VALUE]));
			const { toClient } = proxy.connections[0]!;
			// Nobody is left to ask for the rest.
			proxy.refuse();
			// The first chunk of 256 whole, and not all of the second.
			toClient.cutAt(toClient.forwarded + 300 * `$${VALUE.length}\r\n${VALUE}\r\n`.length, "fin");
			const error = (await errorOf(client.mget(keys, { timeoutMs: 300 }))) as BatchError;
			expect([error.code, error.results[0], error.results[399]]).toEqual(["BATCH", VALUE, expect.any(Error)]);
			return [error];
		});
	},
	"C19 calls that are late, given up, or whose connection is cut": async (protocol) => {
		await using proxy = await TcpProxy.start(server);
		return await withClient({ url: proxy.url, auth, protocol }, async (client) => {
			await client.set("k", VALUE);
			const abort = new AbortController();
			proxy.connections[0]!.toServer.stall();
			// Long enough for all of it to be written on any machine: what was not would be sent again, and succeed.
			const timeoutMs = 500;
			const late = [
				client.with({ timeoutMs }).set("k", VALUE),
				client.with({ timeoutMs }).set("k", Buffer.alloc(40_000, VALUE)),
				client.setMany([[VALUE, VALUE]], { timeoutMs }),
				client.with({ signal: abort.signal }).set(VALUE, VALUE),
				client.with({ signal: AbortSignal.timeout(20) }).command("CONFIG", "SET", "requirepass", PASSWORD),
				client.command("ACL", "SETUSER", "bob", `>${PASSWORD}`),
			].map(errorOf);
			abort.abort();
			await late[0];
			proxy.cut("rst");
			return Promise.all(late);
		});
	},
	"C19 a value cut on its way back, with and without another try": async (protocol) => {
		await using proxy = await TcpProxy.start(server);
		return await withClient({ url: proxy.url, auth, protocol, retry: { maxAttempts: 0 } }, async (client) => {
			await client.set("k", Buffer.alloc(100_000, VALUE));
			const target = Buffer.alloc(100_000);
			const shown: unknown[] = [];
			for (const read of [() => client.get("k"), () => client.getInto("k", target)]) {
				const { toClient } = proxy.connections.at(-1)!;
				toClient.cutAt(toClient.forwarded + 50_000, "rst");
				shown.push(await errorOf(read()));
				await expect.poll(() => client.command("PING").catch(() => ""), { timeout: 5000, interval: 5 }).toBe("PONG");
			}
			return shown;
		});
	},
	"C22 a node that owes too much": async (protocol) => {
		await using proxy = await TcpProxy.start(server);
		return await withClient({ url: proxy.url, auth, protocol, pool: { maxQueuedCommands: 2 } }, async (client) => {
			proxy.connections[0]!.toServer.stall();
			return Promise.all(Array.from({ length: 6 }, () => errorOf(client.with({ timeoutMs: 60 }).set("k", VALUE))));
		});
	},
	"C37 a client that was closed": async (protocol) => {
		const client = await createClient({ url: at(server.port), auth, protocol });
		client.destroy();
		return [client, await errorOf(client.set("k", VALUE)), await errorOf(client.setMany([["k", VALUE]])), client.stats()];
	},
};

/** Bytes that are no reply, with a value in them; a client of RESP2 and one of RESP3 read them differently. */
const garbage: Record<string, string> = {
	"where a reply begins": `${VALUE} and more\r\n`,
	"after a reply that was shorter than it said": `$2\r\n${VALUE}\r\n`,
	"after a whole reply": `$2\r\nok\r\n${VALUE}\r\n`,
	"in an array": `*2\r\n$1\r\na\r\n${VALUE}\r\n`,
	"as a length": `$${VALUE}\r\n`,
	"as a number": `:${VALUE}\r\n`,
	"as a count": `*${VALUE}\r\n`,
	"as a boolean or null": `_${VALUE}\r\n`,
	"as a double": `,${VALUE}\r\n`,
	"as a reply nobody asked for": `+OK\r\n$${VALUE.length}\r\n${VALUE}\r\n`,
	"in a line that does not end": `+${VALUE}\rx`,
	"in a wrong number of elements": `*1\r\n$${VALUE.length}\r\n${VALUE}\r\n`,
};

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each(Object.keys(starts))("%s", async (row) => {
		const shown = await starts[row]!(protocol);
		expect(shown.length).toBeGreaterThan(0);
		for (const value of shown) {
			expect(value).toBeInstanceOf(Error);
			expect(leaksOf(value, secrets)).toEqual([]);
		}
	});

	test.each(Object.keys(calls))("%s", async (row) => {
		for (const value of await calls[row]!(protocol)) expect(leaksOf(value, secrets)).toEqual([]);
	});

	test.each(Object.keys(garbage))("A25 a value in bytes that are no reply, %s", async (where) => {
		const node = await FakeNode.start();
		try {
			const bytes = garbage[where]!;
			node.always(["GET"], bytes).always(["MGET"], bytes).always(["PING"], "+PONG\r\n");
			await using client = await createClient({
				url: node.url,
				protocol,
				retry: { baseMs: 1, maxMs: 5, maxAttempts: 1 },
				timeouts: soon,
			});
			const ends = await Promise.allSettled([
				client.get("k"),
				client.with({ timeoutMs: 300 }).command("PING"),
				client.mget(["a", "b"]),
			]);
			const errors = ends.flatMap((end) => (end.status === "rejected" ? [end.reason as unknown] : []));
			expect(errors.length).toBeGreaterThan(0);
			for (const value of [...errors, client, client.stats()]) expect(leaksOf(value, secrets)).toEqual([]);
		} finally {
			await node.close();
		}
	});
});
