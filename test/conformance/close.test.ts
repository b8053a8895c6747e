/** close() lets everything finish that was accepted, destroy() nothing; neither leaves anything behind. */
import { expect, inject, test } from "vitest";
import { type Client, createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { Gate } from "../support/gate.js";
import { slotsReply } from "../support/slots-reply.js";

const urls = ["standaloneUrl", "clusterUrl"] as const;

test.each(urls)("close() waits for every chunk of a batch, and refuses new calls meanwhile (%s)", async (url) => {
	const client = await createClient(inject(url));
	const entries = Array.from({ length: 5000 }, (_, i) => [`close:batch:${i}`, String(i)] as const);
	const batch = client.setMany(entries, { ex: 60 });
	const closed = client.close();
	await expect(client.get("close:batch:1")).rejects.toMatchObject({ code: "CLOSED" });
	await expect(client.mget(["close:batch:1"])).rejects.toMatchObject({ code: "CLOSED" });
	await expect(client.command("DBSIZE")).rejects.toMatchObject({ code: "CLOSED" });
	await expect(client.withConnection({}, async () => 1)).rejects.toMatchObject({ code: "CLOSED" });
	expect(new Set(await batch)).toEqual(new Set(["OK"]));
	await closed;
	expect(client.stats()).toMatchObject({ inFlight: 0, connections: 0 });
	await client.close();
});

test("close() waits for a command that is answered late", async () => {
	await using node = await FakeNode.start();
	const gate = new Gate();
	node.expect(["GET", "k"]).reply("$1\r\nv\r\n").after(gate.opened);
	const client = await createClient(node.url);
	const value = client.get("k");
	const closed = client.close();
	let over = false;
	void closed.then(() => {
		over = true;
	});
	await expect(client.get("k")).rejects.toMatchObject({ code: "CLOSED" });
	expect(over).toBe(false);
	gate.open();
	expect(await value).toBe("v");
	await closed;
});

test("close() waits for a command that waits for a new connection", async () => {
	await using node = await FakeNode.start();
	node.expect(["GET", "a"]).reset();
	node.expect(["GET", "a"]).reply("$1\r\n1\r\n");
	const client = await createClient(node.url);
	const value = client.get("a");
	await node.accepted(1);
	await client.close();
	expect(await value).toBe("1");
});

test("close() waits for a command that is being redirected", async () => {
	await using first = await FakeNode.start();
	await using second = await FakeNode.start();
	const owner = { host: first.host, port: first.port, id: "first" };
	for (const node of [first, second]) {
		node.always(["HELLO"], "%2\r\n+proto\r\n:3\r\n+mode\r\n+cluster\r\n");
		node.always(["CLUSTER", "SLOTS"], slotsReply([{ first: 0, last: 16383, nodes: [owner] }]));
	}
	const gate = new Gate();
	first.always(["SET"], `-MOVED 12182 ${second.host}:${second.port}\r\n`);
	second.expect(["SET", "foo", "v"]).reply("+OK\r\n").after(gate.opened);
	const client = await createClient({ nodes: [{ host: first.host, port: first.port }] });
	const written = client.set("foo", "v");
	const closed = client.close();
	await second.accepted(1);
	gate.open();
	expect(await written).toBe("OK");
	await closed;
	expect(client.stats()).toMatchObject({ redirections: 1, inFlight: 0, connections: 0 });
});

test("close() waits for a blocking command on a leased connection", async () => {
	const client = await createClient(inject("standaloneUrl"));
	const started = new Gate();
	const popped = client.withConnection({}, async (connection) => {
		const reply = connection.command("BLPOP", "close:queue", 5);
		started.open();
		return await reply;
	});
	await started.opened;
	await using other = await createClient(inject("standaloneUrl"));
	const closed = client.close();
	await other.command("RPUSH", "close:queue", "item");
	expect(await popped).toEqual(["close:queue", "item"]);
	await closed;
});

test("destroy() while a lease is in its handshake rejects withConnection", async () => {
	await using node = await FakeNode.start();
	const client = await createClient(node.url);
	node.always(["HELLO"], () => undefined);
	const lease = client.withConnection({}, async () => "never");
	const rejected = expect(lease).rejects.toMatchObject({ code: "CLOSED" });
	await node.accepted(2);
	client.destroy();
	await rejected;
});

test("destroy() while a lease waits for its credentials rejects withConnection", async () => {
	await using node = await FakeNode.start();
	let calls = 0;
	const client = await createClient({
		url: node.url,
		auth: () => (++calls === 1 ? {} : new Promise<never>(() => {})),
	});
	const rejected = expect(client.withConnection({}, async () => "never")).rejects.toMatchObject({ code: "CLOSED" });
	client.destroy();
	await rejected;
});

test.each(urls)("calls before destroy() settle, once, with CLOSED (%s)", async (url) => {
	const client: Client = await createClient(inject(url));
	const calls = [client.get("close:x"), client.mget(["close:x", "close:y"]), client.pipeline().get("close:z").exec()];
	client.destroy();
	const [single, batch, pipeline] = await Promise.allSettled(calls);
	expect(single).toMatchObject({ status: "rejected", reason: { code: "CLOSED" } });
	expect(batch).toMatchObject({ status: "rejected", reason: { code: "BATCH" } });
	expect(pipeline).toMatchObject({ status: "fulfilled", value: [{ code: "CLOSED" }] });
	client.destroy();
});
