import { afterEach, describe, expect, test } from "vitest";
import type { Client } from "../../src/client.js";
import { ClientError } from "../../src/errors.js";
import type { Pipeline } from "../../src/pipeline.js";
import { clientOn, FakeDispatcher, storeAnswerer } from "../support/fake-dispatcher.js";

const opened: Client[] = [];
afterEach(() => {
	for (const client of opened.splice(0)) client.destroy();
});

function rig() {
	const store = new Map<string, string>();
	const dispatcher = new FakeDispatcher(3, 16_384, storeAnswerer(store));
	const client = clientOn(dispatcher, { nodes: ["127.0.0.1:1"] });
	opened.push(client);
	return { dispatcher, client, store };
}

test("nothing is sent before exec, and replies come in call order whatever node they are from", async () => {
	const { dispatcher, client } = rig();
	const pipeline = client.pipeline();
	for (let i = 0; i < 30; i++) pipeline.set(`key:${i}`, `value ${i}`).get(`key:${i}`);
	expect(pipeline.length).toBe(60);
	expect(dispatcher.dispatched).toEqual([]);
	const replies = await pipeline.exec();
	expect(replies).toEqual(Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? "OK" : `value ${(i - 1) / 2}`)));
	expect(dispatcher.dispatched).toHaveLength(3);
});

test("E07 a command that failed leaves its error among the replies", async () => {
	const { client, store } = rig();
	store.set("hash", "!");
	const [a, b, c] = await client.pipeline().get("nope").get("hash").command("SET", "x", 5).exec();
	expect(a).toBeNull();
	expect(b).toMatchObject({ code: "WRONGTYPE" });
	expect(c).toBe("OK");
});

describe("a call that is refused throws at once and leaves the pipeline as it was", () => {
	test.each<[string, object, (pipeline: Pipeline<string, ["OK" | null]>) => unknown]>([
		["get of no key", { code: "INVALID_ARGUMENT", index: 1 }, (p) => p.get(undefined as never)],
		["get of a number", { code: "INVALID_ARGUMENT", index: 1 }, (p) => p.get(5 as never)],
		["set of an object", { code: "INVALID_ARGUMENT", index: 2 }, (p) => p.set("k", {} as never)],
		["set of a lone surrogate", { code: "INVALID_ARGUMENT", index: 2 }, (p) => p.set("k", "\ud800")],
		["set with a bad TTL", { code: "INVALID_OPTION", field: "ex" }, (p) => p.set("k", "v", { ex: 0 })],
		["expire in fractions", { code: "INVALID_ARGUMENT", index: 2 }, (p) => p.expire("k", 1.5)],
		["a command without a name", { code: "INVALID_ARGUMENT", index: 0 }, (p) => p.command("")],
		["keys of two slots", { code: "CROSSSLOT" }, (p) => p.command("MGET", "a", "b")],
		["a command that blocks", { code: "UNSUPPORTED" }, (p) => p.command("BLPOP", "k", 0)],
		["a command of connection state", { code: "UNSUPPORTED" }, (p) => p.command("SELECT", 1)],
		["an unsafe number", { code: "INVALID_ARGUMENT", index: 3 }, (p) => p.command("HSET", "h", "f", 2 ** 53)],
	])("%s", async (_, expected, call) => {
		const { dispatcher, client } = rig();
		const pipeline = client.pipeline().set("a", "1");
		expect(() => call(pipeline)).toThrow(expect.objectContaining(expected));
		expect(pipeline.length).toBe(1);
		expect(dispatcher.dispatched).toEqual([]);
		expect(await pipeline.get("a").exec()).toEqual(["OK", "1"]);
	});
});

test("a pipeline is executed once", async () => {
	const { dispatcher, client } = rig();
	const pipeline = client.pipeline().set("a", "1");
	await pipeline.exec();
	await expect(pipeline.exec()).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
	expect(dispatcher.dispatched).toHaveLength(1);
});

test("exec refuses options by field, and may be called again with better ones", async () => {
	const { dispatcher, client } = rig();
	const pipeline = client.pipeline().set("a", "1");
	await expect(pipeline.exec({ chunksize: 5 } as object)).rejects.toMatchObject({ code: "INVALID_OPTION", field: "chunksize" });
	await expect(pipeline.exec({ chunkSize: 0 })).rejects.toMatchObject({ code: "INVALID_OPTION", field: "chunkSize" });
	expect(dispatcher.dispatched).toEqual([]);
	expect(await pipeline.exec({ chunkSize: 1 })).toEqual(["OK"]);
});

test("exec of a closed client rejects with CLOSED, as it does when the client was closed before the first call", async () => {
	const { dispatcher, client } = rig();
	const pipeline = client.pipeline().set("a", "1");
	client.destroy();
	await expect(pipeline.exec()).rejects.toMatchObject({ code: "CLOSED" });
	await expect(client.pipeline().get("a").exec()).rejects.toBeInstanceOf(ClientError);
	expect(dispatcher.dispatched).toEqual([]);
});

test("E05 a pipeline is cut into chunks like any batch", async () => {
	const { dispatcher, client } = rig();
	const pipeline = client.pipeline();
	for (let i = 0; i < 10; i++) pipeline.get(`{t}${i}`);
	expect(await pipeline.exec({ chunkSize: 3 })).toEqual(new Array(10).fill(null));
	expect(dispatcher.dispatched.map((request) => request.size)).toEqual([3, 3, 3, 1]);
});

test("B10 a pipeline keeps the bytes it was given, not the Buffer", async () => {
	const { dispatcher, client } = rig();
	const value = Buffer.from("before");
	const pipeline = client.pipeline().set("k", value);
	value.fill("x");
	await pipeline.exec();
	expect(Buffer.from(dispatcher.commands[0]!.args[2] as Uint8Array).toString()).toBe("before");
});
