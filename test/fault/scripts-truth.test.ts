/** What a script's error means: nothing but "unknown here" is a refusal, for effects may already exist. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient, defineScript, type Script } from "../../src/index.js";
import { commandStats } from "../support/command-stats.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone();
});
afterAll(() => server?.stop());

let defined = 0;
const fresh = (lua: string, readOnly = false): Script => defineScript({ keys: 1, lua: `${lua} -- ${++defined}`, readOnly });

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	let client: Client;
	beforeAll(async () => {
		client = await createClient({ url: server.url, protocol });
	});
	afterAll(() => client?.close());

	const calls = async (): Promise<number> => {
		const stats = await Promise.all(["eval", "evalsha", "eval_ro", "evalsha_ro"].map((name) => commandStats(server, name)));
		return stats.reduce((sum, { calls }) => sum + calls, 0);
	};

	test.each([
		"NOSCRIPT of my own",
		"NOSCRIPT No matching script. Please use EVAL.",
		"MOVED 5061 127.0.0.1:1",
		"MOVED 1 127.0.0.1:1",
		"ASK 5061 127.0.0.1:1",
		"LOADING not really",
		"TRYAGAIN not really",
		"BUSY not really",
		"CLUSTERDOWN not really",
		"MASTERDOWN not really",
		"NOREPLICAS not really",
		"READONLY not really",
	])("H09 a script that has written answers %j: it runs once, and may have been executed", async (text) => {
		const key = `truth:${protocol}:${text}`;
		await server.raw("DEL", key);
		const script = fresh(`redis.call('INCR', KEYS[1]); return redis.error_reply('${text}')`);
		const retries = client.stats().retries;
		const told = { code: text.split(" ")[0], maybeExecuted: true };
		expect(await rejectionOf(client.run(script, [key]))).toMatchObject(told);
		expect(await client.get(key)).toBe("1");
		// The one hash that the server did not know.
		expect(client.stats().retries - retries).toBe(1);
		const [piped] = await client
			.pipeline()
			.run(fresh(`redis.call('INCR', KEYS[1]); return redis.error_reply('${text}')`), [key])
			.exec();
		expect(piped).toMatchObject(told);
		expect(await client.get(key)).toBe("2");
		// By its hash: the server's own words would be believed now.
		if (text.startsWith("NOSCRIPT No")) return;
		expect(await rejectionOf(client.run(script, [key]))).toMatchObject(told);
		expect(await client.get(key)).toBe("3");
	});

	test("H09 an error in the middle of a script is its caller's, and is not tried again", async () => {
		const key = `truth:${protocol}:middle`;
		const script = fresh("redis.call('INCR', KEYS[1]); redis.call('LPUSH', KEYS[1], 'x')");
		for (let i = 1; i <= 2; i++) {
			expect(await rejectionOf(client.run(script, [key]))).toMatchObject({ code: "WRONGTYPE", maybeExecuted: true });
			expect(await client.get(key)).toBe(`${i}`);
		}
		const wrong = fresh("return (");
		expect(await rejectionOf(client.run(wrong, [key]))).toMatchObject({
			message: expect.stringMatching(/Error compiling script/),
		});
	});

	test.each([
		"first",
		"later",
	])("H09 the reply is lost, to the %s call: it may have been executed, and is not repeated", async (which) => {
		const key = `truth:${protocol}:lost:${which}`;
		await using proxy = await TcpProxy.start(server);
		await using own = await createClient({ url: proxy.url, protocol });
		const script = fresh("return redis.call('INCR', KEYS[1])");
		await server.raw("SCRIPT", "FLUSH");
		if (which === "later") await own.run(script, [`${key}:other`]);
		else await server.raw("EVAL", `return redis.call('INCR', KEYS[1]) -- ${defined}`, 1, `${key}:other`);
		const before = await calls();
		proxy.connections[0]!.toClient.stall();
		const lost = rejectionOf(own.run(script, [key]));
		const behind = own.set(`${key}:behind`, "v").catch((error: Error) => error);
		await waitUntil("the server ran it", async () => (await calls()) === before + 1 || `${await calls()}`);
		proxy.cut();
		expect(await lost).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
		await behind;
		expect(await own.get(key)).toBe("1");
		expect(await calls()).toBe(before + 1);
	});

	test.each([
		"first",
		"later",
	])("H09 H11 the reply of a read-only script is lost, to the %s call: it is asked for again", async (which) => {
		const key = `truth:${protocol}:read:${which}`;
		await server.raw("SET", key, "v");
		await using proxy = await TcpProxy.start(server);
		await using own = await createClient({ url: proxy.url, protocol });
		const script = fresh("return redis.call('GET', KEYS[1])", true);
		if (which === "later") await own.run(script, [key]);
		const before = await calls();
		proxy.connections[0]!.toClient.stall();
		const read = own.run(script, [key]);
		await waitUntil("the server was asked", async () => (await calls()) > before || "not yet");
		proxy.cut();
		expect(await read).toBe("v");
		expect(own.stats().retries).toBeGreaterThan(0);
	});

	test("H09 errors of scripts name no argument and no key", async () => {
		const error = await rejectionOf(
			client.run(fresh("return redis.call('LPUSH', KEYS[1], ARGV[1])"), [`truth:${protocol}:middle`], ["s3cret"]),
		);
		expect(error).toMatchObject({ code: "WRONGTYPE" });
		expect(JSON.stringify([error.message, error.stack, error])).not.toMatch(/s3cret/);
	});
});
