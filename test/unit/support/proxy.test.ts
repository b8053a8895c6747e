import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RawConnection, type RawReply } from "../../../src/cli/servers/raw-connection.js";
import { FakeNode } from "../../support/fake-node.js";
import { Gate } from "../../support/gate.js";
import { TcpProxy } from "../../support/proxy.js";

let node: FakeNode;
let proxy: TcpProxy;
beforeEach(async () => {
	node = await FakeNode.start();
	node.always(["PING"], "+PONG\r\n").always(["ECHO"], ([, text]) => `$${text!.length}\r\n${text}\r\n`);
	proxy = await TcpProxy.start(node);
});
afterEach(async () => {
	await proxy.close();
	await node.close();
});

/** Everything the client reads until its connection is closed, and whether that was a reset. */
async function drain(socket: Socket): Promise<{ text: string; reset: boolean }> {
	let text = "";
	let reset = false;
	socket.on("data", (chunk) => {
		text += chunk;
	});
	socket.on("error", () => {
		reset = true;
	});
	await new Promise((resolve) => socket.once("close", resolve));
	return { text, reset };
}

test("forwards both ways and counts", async () => {
	await using client = await RawConnection.open(proxy);
	expect(await client.command("PING")).toBe("PONG");
	expect(proxy.bytes).toEqual({ toServer: 14, toClient: 7 });
	expect(proxy.open).toBe(1);
	client.close();
	await (await proxy.accepted(1)).ended;
	expect(proxy.open).toBe(0);
});

test("a gate delays replies in order", async () => {
	const gate = new Gate();
	proxy.onConnection((connection) => connection.toClient.delay(gate.opened));
	await using client = await RawConnection.open(proxy);
	const seen: RawReply[] = [];
	const replies = ["a", "b"].map((text) => client.command("ECHO", text).then((reply) => seen.push(reply)));
	await RawConnection.open(node).then((direct) => direct[Symbol.asyncDispose]());
	expect(seen).toEqual([]);
	gate.open();
	await Promise.all(replies);
	expect(seen).toEqual(["a", "b"]);
});

test("a delay in milliseconds is kept", async () => {
	proxy.onConnection((connection) => connection.toClient.delay(50));
	await using client = await RawConnection.open(proxy);
	const start = performance.now();
	await client.command("PING");
	expect(performance.now() - start).toBeGreaterThan(45);
});

test.each([0, 1, 3, 6])("cuts after exactly %i bytes towards the client, by FIN", async (byte) => {
	proxy.onConnection((connection) => connection.toClient.cutAt(byte, "fin"));
	const client = connect(proxy.port, proxy.host);
	client.write("*1\r\n$4\r\nPING\r\n");
	expect(await drain(client)).toEqual({ text: "+PONG\r\n".slice(0, byte), reset: false });
});

test("cuts after exactly n bytes towards the server, by RST on the client's side only", async () => {
	proxy.onConnection((connection) => connection.toServer.cutAt(9, { client: "rst", server: "fin" }));
	const client = connect(proxy.port, proxy.host);
	client.write("*1\r\n$4\r\nPING\r\n");
	expect(await drain(client)).toEqual({ text: "", reset: true });
	await (await proxy.accepted(1)).ended;
	expect(node.connections[0]!.received.toString()).toBe("*1\r\n$4\r\nP");
});

test("a stalled connection goes on where it was", async () => {
	await using client = await RawConnection.open(proxy);
	const connection = await proxy.accepted(1);
	await client.command("PING");
	connection.toServer.stall();
	const reply = client.command("ECHO", "later");
	await RawConnection.open(node).then((direct) => direct[Symbol.asyncDispose]());
	expect(node.connections[0]!.commands).toHaveLength(1);
	connection.toServer.resume();
	expect(await reply).toBe("later");
});

test("splits into writes of the given sizes", async () => {
	const pieces: string[] = [];
	proxy.onConnection(({ toClient }) => toClient.split(1, 3).tap((bytes) => pieces.push(bytes.toString())));
	await using client = await RawConnection.open(proxy);
	expect(await client.command("PING")).toBe("PONG");
	expect(pieces).toEqual(["+", "PON", "G", "\r\n"]);
});

test("coalesces replies into one write", async () => {
	const pieces: string[] = [];
	proxy.onConnection(({ toClient }) => toClient.coalesce(14).tap((bytes) => pieces.push(bytes.toString())));
	await using client = await RawConnection.open(proxy);
	await Promise.all([client.command("PING"), client.command("PING")]);
	expect(pieces).toEqual(["+PONG\r\n+PONG\r\n"]);
});

test("the server's end reaches the client after the last byte; a dead server resets it", async () => {
	node.expect(["GET", "k"]).reply("$-1\r\n").close();
	const client = connect(proxy.port, proxy.host);
	client.write("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
	expect(await drain(client)).toEqual({ text: "$-1\r\n", reset: false });

	await node.close();
	expect((await drain(connect(proxy.port, proxy.host))).text).toBe("");
});

test("refuses new connections and keeps the old", async () => {
	await using client = await RawConnection.open(proxy);
	await client.command("PING");
	const { port } = proxy;
	proxy.refuse();
	await expect(RawConnection.open({ port })).rejects.toThrow("ECONNREFUSED");
	expect(await client.command("PING")).toBe("PONG");
});

test("welcomes connections again on the same port", async () => {
	const { port } = proxy;
	proxy.refuse();
	await expect(RawConnection.open({ port })).rejects.toThrow("ECONNREFUSED");
	await proxy.welcome();
	await using client = await RawConnection.open({ port });
	expect(await client.command("PING")).toBe("PONG");
});

test("jitter keeps the order", async () => {
	const delays = [20, 0, 10, 0, 5, 0];
	proxy.onConnection((connection) => connection.toClient.delay(() => delays.pop() ?? 0));
	await using client = await RawConnection.open(proxy);
	const texts = ["a", "b", "c", "d", "e", "f"];
	expect(await Promise.all(texts.map((text) => client.command("ECHO", text)))).toEqual(texts);
});

test("a throttled direction takes its time", async () => {
	proxy.onConnection((connection) => connection.toClient.throttle(100_000));
	await using client = await RawConnection.open(proxy);
	const start = performance.now();
	expect(await client.command("ECHO", "x".repeat(10_000))).toHaveLength(10_000);
	// 10 kB at 100 kB/s, less the last piece.
	expect(performance.now() - start).toBeGreaterThan(70);
});

test("a push is injected at once between replies, and behind the one that is open", async () => {
	await using client = await RawConnection.open(proxy);
	const { toClient } = await proxy.accepted(1);
	toClient.inject(Buffer.from(">1\r\n+early\r\n"));
	expect(await client.command("PING")).toBe("PONG");
	expect(client.pushes).toEqual([["early"]]);

	toClient.split(3);
	const echoed = client.command("ECHO", "x".repeat(300));
	const before = toClient.forwarded;
	while (toClient.forwarded === before) await new Promise(setImmediate);
	toClient.inject(Buffer.from(">1\r\n+late\r\n"));
	expect(client.pushes).toHaveLength(1);
	expect(await echoed).toHaveLength(300);
	expect(await client.command("PING")).toBe("PONG");
	expect(client.pushes).toEqual([["early"], ["late"]]);
});

test("half open: the server sees a reset, the client nothing, in either direction", async () => {
	await using client = await RawConnection.open(proxy);
	await client.command("PING");
	const connection = await proxy.accepted(1);
	let ended = false;
	client.socket.on("close", () => {
		ended = true;
	});
	const silent = client.exchange(["PING"], 100);
	connection.halfOpen();
	await new Promise<void>((resolve) => connection.server.once("close", resolve));
	expect(ended).toBe(false);
	await expect(silent).rejects.toThrow("no reply within 100 ms");
	await connection.ended;
});

test("a side that is being ended can still be reset: both sides close, and no handle stays behind", async () => {
	await using client = await RawConnection.open(proxy);
	await client.command("PING");
	const connection = await proxy.accepted(1);
	connection.cut("fin");
	connection.cut("rst");
	await connection.ended;
	expect(proxy.open).toBe(0);
});
