/** Names are looked up for every connection, all their addresses are tried, and an error says which. */
import dns from "node:dns";
import { connect, createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { certificates } from "../../fixtures/certificates.js";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { startUnreachable } from "../support/full-backlog.js";
import { rejectionOf } from "../support/secrets.js";

const hasIpv6 = Object.values(networkInterfaces())
	.flat()
	.some((address) => address?.address === "::1");

let server: ServerNode;
let tls: ServerNode;
beforeAll(async () => {
	[server, tls] = await Promise.all([startStandalone(), startStandalone({ tls: true })]);
});
afterAll(async () => {
	await Promise.all([server.stop(), tls.stop()]);
});
afterEach(() => {
	vi.restoreAllMocks();
});

const retry = { baseMs: 1, maxMs: 5 };
const timeouts = { connectMs: 1000, startMs: 600 };

type Addresses = { address: string; family: number }[];
type Callback = (error: Error | null, addresses: Addresses | string, family?: number) => void;

const addressOf = (address: string) => ({ address, family: address.includes(":") ? 6 : 4 });

/** Answers the n-th lookup with the n-th of these, and all later ones with the last. Returns the names that were answered. */
function answerLookups(...answers: (string[] | Error)[]): string[] {
	const names: string[] = [];
	let asked = 0;
	vi.spyOn(dns, "lookup").mockImplementation(((name: string, options: { all?: boolean }, callback: Callback) => {
		const answer = answers[Math.min(asked++, answers.length - 1)] as string[] | Error;
		setImmediate(() => {
			names.push(name);
			if (answer instanceof Error) callback(answer, []);
			else if (options.all) callback(null, answer.map(addressOf));
			else callback(null, answer[0] as string, addressOf(answer[0] as string).family);
		});
	}) as never);
	return names;
}

/** A way to the server from another loopback address. */
async function relay(host: string, to: { host: string; port: number }, port = 0): Promise<AsyncDisposable & { port: number }> {
	const listener: Server = createServer((socket) => {
		const onward = connect(to.port, to.host);
		socket.pipe(onward).pipe(socket);
		socket.on("error", () => onward.destroy()).on("close", () => onward.destroy());
		onward.on("error", () => socket.destroy()).on("close", () => socket.destroy());
	});
	await new Promise<void>((resolve, reject) => {
		listener.once("error", reject).listen(port, host, resolve);
	});
	return {
		port: (listener.address() as { port: number }).port,
		[Symbol.asyncDispose]: () => new Promise((resolve) => listener.close(() => resolve())),
	};
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C27 a name is looked up again for every connection, and the newest answer counts", async () => {
		const names = answerLookups(["127.0.0.1"], ["127.0.0.2"], ["127.0.0.1"]);
		await using client = await createClient({ url: `redis://moving.example:${server.port}`, protocol, retry });
		expect(names).toHaveLength(1);
		await server.raw("CLIENT", "KILL", "TYPE", "normal");
		// The second answer leads to where nobody listens.
		await expect.poll(() => client.get("name-resolution:none"), { timeout: 10_000 }).toBeNull();
		expect(names).toEqual(["moving.example", "moving.example", "moving.example"]);
		expect(await client.withConnection({}, (own) => own.command("PING"))).toBe("PONG");
		expect(names).toHaveLength(4);
	});

	test.each([
		["the first", ["127.0.0.1", "127.0.0.2"]],
		["the last", ["127.0.0.2", "127.0.0.3", "127.0.0.1"]],
		["the other family", ["::1", "127.0.0.1"]],
	])("C27 a server on %s of a name's addresses is found", async (_which, addresses) => {
		answerLookups(addresses);
		await using client = await createClient({ url: `redis://many.example:${server.port}`, protocol, retry, timeouts });
		expect(await client.command("PING")).toBe("PONG");
		expect(client.stats().reconnects).toBe(0);
	});
});

test("C27 localhost, with the server on 127.0.0.1 alone", async () => {
	await using client = await createClient({ url: `redis://localhost:${server.port}`, retry, timeouts });
	expect(await client.command("PING")).toBe("PONG");
});

test.runIf(hasIpv6)("C27 localhost, with the server on ::1 alone (where there is an IPv6 loopback)", async () => {
	await using other = await relay("::1", server);
	answerLookups(["127.0.0.1", "::1"]);
	await using client = await createClient({ url: `redis://localhost:${other.port}`, retry, timeouts });
	expect(await client.command("PING")).toBe("PONG");
});

test("C27 over TLS all addresses are tried too, and the certificate is that of the name", async () => {
	answerLookups(["127.0.0.2", "127.0.0.1"]);
	const { ca } = await certificates();
	await using client = await createClient({ url: `rediss://localhost:${tls.port}`, tls: { ca }, retry, timeouts });
	expect(await client.command("PING")).toBe("PONG");
});

describe.runIf(process.platform === "linux")("an address that swallows what is sent to it (a full backlog, on Linux)", () => {
	test("C27 leaves time for the next one within the same attempt", async () => {
		await using silent = await startUnreachable();
		await using other = await relay("127.0.0.2", server, silent.port);
		const names = answerLookups(["127.0.0.1", "127.0.0.2"]);
		await using client = await createClient({ url: `redis://half.example:${other.port}`, timeouts: { connectMs: 2000 } });
		expect(await client.command("PING")).toBe("PONG");
		expect(names).toHaveLength(1);
	});

	test("C27 is not given up after the 250 ms that are Node's default", async () => {
		await using silent = await startUnreachable();
		const names = answerLookups(["127.0.0.1", "127.0.0.2"]);
		const timeouts = { connectMs: 20_000, startMs: 25_000 };
		const opening = createClient({ url: `redis://slow.example:${silent.port}`, timeouts, retry: { baseMs: 2000, maxMs: 2000 } });
		await waitUntil("the first SYN", () => names.length === 1 || "nothing was looked up");
		await silent.reachable();
		await using client = await opening;
		expect(await client.command("PING")).toBe("PONG");
		expect(names).toHaveLength(1);
	});
});

describe("nobody listens", () => {
	async function freedPort(): Promise<number> {
		const node = await FakeNode.start();
		const { port } = node;
		await node.close();
		return port;
	}

	test.each([
		["redis", 2],
		["redis", 3],
		["rediss", 3],
	] as const)("C27 %s://, RESP%i: the error names each address and its cause, in one line", async (scheme, protocol) => {
		const port = await freedPort();
		answerLookups(["127.0.0.1", "::1"]);
		const error = await rejectionOf(createClient({ url: `${scheme}://localhost:${port}`, protocol, retry, timeouts }));
		expect(error.code).toBe("CONNECTION");
		expect(error.message).toMatch(new RegExp(`^no connection within 600 ms: localhost:${port}: `));
		expect(error.message).toContain(`ECONNREFUSED 127.0.0.1:${port}`);
		// Without an IPv6 loopback its address is refused for another reason.
		expect(error.message).toMatch(new RegExp(`${hasIpv6 ? "ECONNREFUSED" : "E[A-Z]+"} ::1:${port}`));
		expect(error.message).not.toContain("\n");
	});

	test("C27 a lease is refused with the same words", async () => {
		const node = await FakeNode.start();
		const { port } = node;
		answerLookups(["127.0.0.1"], ["127.0.0.1", "127.0.0.2"]);
		await using client = await createClient({ url: `redis://localhost:${port}`, retry });
		await node.close();
		const error = await rejectionOf(client.withConnection({}, async () => {}));
		expect(error.code).toBe("CONNECTION");
		for (const address of ["127.0.0.1", "127.0.0.2"]) expect(error.message).toContain(`ECONNREFUSED ${address}:${port}`);
	});

	test("C27 every seed of a cluster is named with its cause", async () => {
		const [one, two] = [await freedPort(), await freedPort()];
		answerLookups(["127.0.0.1", "127.0.0.2"]);
		const error = await rejectionOf(createClient({ nodes: [`one.example:${one}`, `two.example:${two}`], retry, timeouts }));
		for (const [name, port] of [
			["one.example", one],
			["two.example", two],
		]) {
			expect(error.message).toMatch(
				new RegExp(`${name}:${port}: .*ECONNREFUSED 127\\.0\\.0\\.1:${port}.*ECONNREFUSED 127\\.0\\.0\\.2:${port}`),
			);
		}
	});
});

test("C27 a name that does not exist is in the error, and is asked for again", async () => {
	const unknown = Object.assign(new Error("getaddrinfo ENOTFOUND nowhere.example"), { code: "ENOTFOUND" });
	const names = answerLookups(unknown, unknown, ["127.0.0.1"]);
	await using client = await createClient({ url: `redis://nowhere.example:${server.port}`, retry });
	expect(await client.command("PING")).toBe("PONG");
	expect(names).toHaveLength(3);
	vi.restoreAllMocks();
	answerLookups(unknown);
	const error = await rejectionOf(createClient({ url: `redis://nowhere.example:${server.port}`, retry, timeouts }));
	expect(error.message).toMatch(/^no connection within 600 ms: nowhere\.example:\d+: getaddrinfo ENOTFOUND nowhere\.example /);
});
