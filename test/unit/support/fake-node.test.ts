import { expect, test } from "vitest";
import { RawConnection } from "../../../src/cli/servers/raw-connection.js";
import { FakeNode } from "../../support/fake-node.js";
import { Gate } from "../../support/gate.js";
import { slotsReply } from "../../support/slots-reply.js";

test("a script is played in order, across connections, and every connection keeps its transcript", async () => {
	await using node = await FakeNode.start();
	node.expect(["SET", "k", "v"]).reply("+OK\r\n");
	node.expect(["GET", "k"]).reply("$1\r\nv\r\n");
	await using first = await RawConnection.open(node);
	await using second = await RawConnection.open(node);
	expect(await first.command("SET", "k", "v")).toBe("OK");
	expect(await second.command("get", "k")).toBe("v");
	expect(node.commands).toEqual([
		["SET", "k", "v"],
		["get", "k"],
	]);
	expect(node.connections.map(({ commands }) => commands.length)).toEqual([1, 1]);
	expect(node.connections[1]!.received.toString()).toBe("*2\r\n$3\r\nget\r\n$1\r\nk\r\n");
});

test("the handshake is answered without a script", async () => {
	await using node = await FakeNode.start();
	await using client = await RawConnection.open(node);
	expect(await client.command("HELLO", 3)).toContain("proto");
	expect(await client.command("CLIENT", "SETNAME", "x")).toBe("OK");
	expect(node.commands).toEqual([]);
});

test("a gate holds a reply and those behind it, without a clock", async () => {
	await using node = await FakeNode.start();
	const gate = new Gate();
	node.expect(["GET", "a"]).after(gate.opened).reply("$1\r\na\r\n");
	const second = node.expect(["GET", "b"]).reply("$1\r\nb\r\n");
	await using client = await RawConnection.open(node);
	const order: unknown[] = [];
	const replies = [client.command("GET", "a"), client.command("GET", "b")];
	for (const reply of replies) void reply.then((value) => order.push(value));
	order.push("opened");
	gate.open();
	await Promise.all(replies);
	expect(order).toEqual(["opened", "a", "b"]);
	expect((await second.met).connection.index).toBe(0);
});

test("bytes nobody asked for, FIN and RST", async () => {
	await using node = await FakeNode.start();
	node.expect(["PING"]).reply(">2\r\n+message\r\n+x\r\n").reply("+PONG\r\n").close();
	node.expect(["PING"]).reset();
	await using first = await RawConnection.open(node);
	expect(await first.command("PING")).toBe("PONG");
	expect(first.pushes).toEqual([["message", "x"]]);
	await using second = await RawConnection.open(node);
	await expect(second.command("PING")).rejects.toThrow("ECONNRESET");
});

test("an unmet step, an unexpected command and bytes that are no command fail the test", async () => {
	const unmet = await FakeNode.start();
	unmet.expect(["GET", "k"]);
	await expect(unmet[Symbol.asyncDispose]()).rejects.toThrow("never got: GET k");

	const surprised = await FakeNode.start();
	await using client = await RawConnection.open(surprised);
	await expect(client.command("DEL", "k")).rejects.toThrow("ERR unexpected");
	await expect(surprised[Symbol.asyncDispose]()).rejects.toThrow("DEL k after the end of the script");

	const garbled = await FakeNode.start();
	await using inline = await RawConnection.open(garbled);
	await expect(inline.send(Buffer.from("PING\r\n"))).rejects.toThrow();
	await expect(garbled[Symbol.asyncDispose]()).rejects.toThrow("no command");
});

test("a command that arrives in pieces is read whole", async () => {
	await using node = await FakeNode.start();
	node.expect(["SET", "é", Buffer.from([0, 255])]).reply("+OK\r\n");
	await using client = await RawConnection.open(node);
	client.socket.write("*3\r\n$3\r\nSE");
	await node.accepted(1);
	const reply = client.send(Buffer.from("T\r\n$2\r\n\xc3\xa9\r\n$2\r\n\x00\xff\r\n", "latin1"));
	expect((await reply).toString()).toBe("+OK\r\n");
});

test("slotsReply writes CLUSTER SLOTS", async () => {
	await using node = await FakeNode.start();
	const nodes = [{ host: null, port: 7000, id: "abc" }];
	node.always(["CLUSTER", "SLOTS"], slotsReply([{ first: 0, last: 16383, nodes }]));
	await using client = await RawConnection.open(node);
	expect(await client.command("CLUSTER", "SLOTS")).toEqual([[0, 16383, [null, 7000, "abc"]]]);
});
