/** Secrets go to the server and nowhere else. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { TcpProxy } from "../support/proxy.js";
import { everythingOf, rejectionOf } from "../support/secrets.js";

const SECRET = "s3kr3t";
let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone({ requirepass: SECRET });
});
afterAll(() => server.stop());

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	const options = () => ({ url: `redis://127.0.0.1:${server.port}`, auth: { password: SECRET }, protocol });

	test("B14 the client, its views, its pipelines and its figures show no credentials", async () => {
		await using client = await createClient(options());
		const pipeline = client.pipeline().command("SET", "k", SECRET);
		const shown = [client, client.buffers, client.with({ timeoutMs: 1 }), client.stats(), pipeline, JSON.stringify(client)];
		for (const value of shown) expect(everythingOf(value)).not.toContain(SECRET);
		await client.withConnection({}, async (own) => expect(everythingOf(own)).not.toContain(SECRET));
	});

	test.each([
		[["AUTH", SECRET]],
		[["HELLO", "3", "AUTH", "default", SECRET]],
		[["CLIENT", "SETNAME", SECRET]],
		[["MIGRATE", "127.0.0.1", "1", "k", "0", "10", "AUTH", SECRET, "NOSUCH", SECRET]],
		[["CONFIG", "SET", "requirepass", SECRET, "nosuch", "x"]],
		[["CONFIG", "SET", "maxmemory", SECRET]],
		[["ACL", "SETUSER", "bob", `>${SECRET}`, "+nosuchcommand"]],
		[["ACL", "SETUSER", "bob", `<${SECRET}`]],
		[["ACL", "SETUSER", "bob", `#${SECRET}`]],
		[["NOSUCHCOMMAND", SECRET]],
		[["GET", SECRET, SECRET]],
		[["EVAL", "return redis.call('NOSUCH', ARGV[1])", "0", SECRET]],
		[["INCRBY", "k", SECRET]],
	])("B14 the error of %j does not repeat its arguments", async (words) => {
		await using client = await createClient(options());
		const [name, ...args] = words as [string, ...string[]];
		const error = await rejectionOf(client.command(name, ...args));
		expect(everythingOf(error)).not.toContain(SECRET);
		const results = await client
			.pipeline()
			.get("k")
			.exec()
			.then(() => client.withConnection({}, (own) => own.command(name, ...args).catch((reason) => reason)));
		expect(everythingOf(results)).not.toContain(SECRET);
	});

	test("B14 a timeout, an abort and a lost connection name the command, not its arguments", async () => {
		await using proxy = await TcpProxy.start(server);
		await using client = await createClient({ ...options(), url: proxy.url });
		proxy.connections[0]?.toServer.stall();
		const abort = new AbortController();
		const calls = [
			client.with({ timeoutMs: 60 }).set("k", SECRET),
			client.with({ signal: abort.signal }).set(SECRET, "v"),
			client.setMany([[SECRET, SECRET]], { timeoutMs: 60 }),
			client.command("CONFIG", "SET", "requirepass", SECRET),
		].map(rejectionOf);
		abort.abort();
		await calls[0];
		await calls[2];
		proxy.cut("rst");
		const errors = await Promise.all(calls);
		expect(errors.map(({ code }) => code)).toEqual(["TIMEOUT", "ABORTED", "BATCH", "CONNECTION"]);
		expect(errors[0]?.message).toContain("SET");
		for (const error of errors) expect(everythingOf(error)).not.toContain(SECRET);
	});
});

test("B14 options that are refused are named by their field alone", async () => {
	for (const refused of [
		{ url: `http://user:${SECRET}@127.0.0.1` },
		{ url: `redis://:${SECRET}@127.0.0.1:99999` },
		{ url: `redis://:${SECRET}@127.0.0.1/x` },
		{ url: `redis://:${SECRET}%zz@127.0.0.1` },
		{ auth: { password: [SECRET] as unknown as string } },
		{ auth: SECRET as unknown as { password: string } },
	]) {
		const error = await rejectionOf(createClient(refused));
		expect(error.code).toBe("INVALID_OPTION");
		expect(everythingOf(error)).not.toContain(SECRET);
	}
});
