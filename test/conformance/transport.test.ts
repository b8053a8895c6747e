/** TCP, TLS and unix sockets carry the same things; so do the forms in which a server can be named. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Certificates, certificates } from "../../fixtures/certificates.js";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { type Client, type ClientOptions, createClient, optionsFromEnv } from "../../src/index.js";
import { rejectionOf } from "../support/secrets.js";

const users = { alice: "on >p@ss:w/rd% ~* +@all" };
let plain: ServerNode;
let tls: ServerNode;
let mutual: ServerNode;
let made: Certificates;
beforeAll(async () => {
	[plain, tls, mutual, made] = await Promise.all([
		startStandalone({ requirepass: "pw", users, unixSocket: true }),
		startStandalone({ requirepass: "pw", users, tls: true }),
		startStandalone({ requirepass: "pw", tls: "mutual" }),
		certificates(),
	]);
});
afterAll(async () => {
	await Promise.all([plain.stop(), tls.stop(), mutual.stop()]);
});

const auth = { password: "pw" };
const transports: Record<string, () => ClientOptions> = {
	TCP: () => ({ url: `redis://${plain.host}:${plain.port}`, auth }),
	"a unix socket": () => ({ url: `unix://${plain.socketPath}`, auth }),
	TLS: () => ({ url: `rediss://${tls.host}:${tls.port}`, auth, tls: { ca: made.ca } }),
	"TLS by name": () => ({ url: `rediss://localhost:${tls.port}`, auth, tls: { ca: made.ca } }),
	"TLS with a client certificate": () => ({
		url: `rediss://${mutual.host}:${mutual.port}`,
		auth,
		tls: { ca: made.ca, ...made.client },
	}),
};

const MiB = 1024 * 1024;
/** 1 MiB in which every stretch of 8 KiB is different. */
const large = Buffer.alloc(
	MiB,
	(Array.from({ length: MiB / 8 }, (_, index) => index.toString(36).padStart(8, ".")) as string[]).join(""),
);

async function sameBody(client: Client): Promise<void> {
	expect(await client.set("transport:k", "größe €")).toBe("OK");
	expect(await client.get("transport:k")).toBe("größe €");
	expect(await client.mget(["transport:k", "transport:none", "transport:k"])).toEqual(["größe €", null, "größe €"]);
	expect(await client.set("transport:large", large)).toBe("OK");
	const [value, ...around] = await Promise.all([
		client.buffers.get("transport:large"),
		client.get("transport:k"),
		client.command("PING"),
	]);
	expect(value?.equals(large)).toBe(true);
	expect(around).toEqual(["größe €", "PONG"]);
	const target = Buffer.alloc(MiB + 10, "#");
	expect(await client.getInto("transport:large", target)).toBe(MiB);
	expect(target.subarray(0, MiB).equals(large) && target.subarray(MiB).toString()).toBe("##########");
	expect(await client.getInto("transport:none", target)).toBeNull();
	expect(await client.get("transport:large")).toBe(large.toString());
	const many = Array.from({ length: 32 }, (_, index) => `transport:many:${index}`);
	const values = many.map((key) => Buffer.alloc(40_000, key));
	await client.setMany(many.map((key, index) => [key, values[index] as Buffer]));
	expect((await client.buffers.mget(many)).map((got, index) => got?.equals(values[index] as Buffer))).toEqual(
		many.map(() => true),
	);
}

describe.each(Object.keys(transports))("%s", (name) => {
	const options = () => (transports[name] as () => ClientOptions)();

	test.each([2, 3] as const)("A05 E14 strings, batches, 1 MiB and getInto arrive whole, in RESP%i", async (protocol) => {
		await using client = await createClient({ ...options(), protocol });
		await sameBody(client);
	});

	test("C01 C10 name, database and a provider of credentials work, and a leased connection is alike", async () => {
		const asked: { host: string; port: number }[] = [];
		await using client = await createClient({
			...options(),
			name: "transport",
			database: 4,
			auth: async (node) => {
				asked.push(node);
				return auth;
			},
		});
		await client.set("transport:db", "four");
		await client.withConnection({}, async (own) => {
			expect(await own.get("transport:db")).toBe("four");
			expect(await own.command("CLIENT", "GETNAME")).toBe("transport");
			await own.command("SELECT", 0);
			expect(await own.get("transport:db")).toBeNull();
		});
		expect(asked).toHaveLength(2);
		expect(asked[0]).toEqual(asked[1]);
	});
});

describe("TLS", () => {
	test("a server that asks for a client certificate and gets none refuses the connection", async () => {
		const { tls: _, ...rest } = (transports["TLS with a client certificate"] as () => ClientOptions)();
		const error = await rejectionOf(createClient({ ...rest, tls: { ca: made.ca }, timeouts: { connectMs: 300, startMs: 300 } }));
		expect(error).toMatchObject({
			code: "CONNECTION",
			message: expect.stringMatching(/certificate required|alert|ECONNRESET|closed/i),
		});
	});

	test("the certificate is not checked only when that is asked for", async () => {
		const url = `rediss://${tls.host}:${tls.port}`;
		await using client = await createClient({ url, auth, tls: { rejectUnauthorized: false } });
		expect(await client.command("PING")).toBe("PONG");
	});
});

describe("forms of naming a server", () => {
	const encoded = `alice:${encodeURIComponent("p@ss:w/rd%")}`;
	const forms: Record<string, () => string | ClientOptions> = {
		"redis:// with user and password": () => `redis://${encoded}@${plain.host}:${plain.port}/2?name=form`,
		"valkey://": () => `valkey://${encoded}@${plain.host}:${plain.port}/2?name=form`,
		"unix:// with credentials": () => `unix://${encoded}@${plain.socketPath}?database=2&name=form`,
		"options beside a URL": () => ({
			url: `redis://${plain.host}:${plain.port}`,
			auth: { username: "alice", password: "p@ss:w/rd%" },
			database: 2,
			name: "form",
		}),
		"rediss:// with a CA": () => ({ url: `rediss://${encoded}@${tls.host}:${tls.port}/2?name=form`, tls: { ca: made.ca } }),
		"tls beside redis://": () => ({ url: `redis://${encoded}@${tls.host}:${tls.port}/2`, name: "form", tls: { ca: made.ca } }),
		REDIS_URL: () => optionsFromEnv({ REDIS_URL: `redis://${encoded}@${plain.host}:${plain.port}/2?name=form` }),
		"REDIS_HOST and its kin": () => ({
			...optionsFromEnv({
				REDIS_HOST: plain.host,
				REDIS_PORT: String(plain.port),
				REDIS_USERNAME: "alice",
				REDIS_PASSWORD: "p@ss:w/rd%",
				REDIS_DB: "2",
			}),
			name: "form",
		}),
		REDIS_SSL: () => ({
			...optionsFromEnv({
				REDIS_HOST: tls.host,
				REDIS_PORT: String(tls.port),
				REDIS_USERNAME: "alice",
				REDIS_PASSWORD: "p@ss:w/rd%",
				REDIS_DB: "2",
				REDIS_SSL: "true",
			}),
			name: "form",
			tls: { ca: made.ca },
		}),
	};

	test.each(Object.keys(forms))("C01 %s reaches user, database and name", async (form) => {
		await using client = await createClient((forms[form] as () => ClientOptions)());
		expect(await client.command("ACL", "WHOAMI")).toBe("alice");
		expect(await client.command("CLIENT", "GETNAME")).toBe("form");
		expect(await client.command("CLIENT", "INFO")).toContain(" db=2 ");
	});

	test("localhost finds the server on the one address family it listens on", async () => {
		await using client = await createClient({ url: `redis://localhost:${plain.port}`, auth });
		expect(await client.command("PING")).toBe("PONG");
	});
});
