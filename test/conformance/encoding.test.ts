/** What is sent is what was meant: arguments of every kind through real servers. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startStandalone } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { rejectionOf } from "../support/secrets.js";

const PREFIX = "encoding:";
const MiB = 1024 * 1024;

describe.each([
	["standalone", 2],
	["standalone", 3],
	["cluster", 2],
	["cluster", 3],
] as const)("%s, RESP%i", (topology, protocol) => {
	let client: Client;
	beforeAll(async () => {
		client = await createClient({ url: inject(topology === "cluster" ? "clusterUrl" : "standaloneUrl"), protocol });
	});
	afterAll(() => client.close());

	test("B01 characters of one to four bytes keep their length, as key and as value", async () => {
		const texts = [
			"a",
			"é",
			"ключ",
			"日本",
			"😀",
			"e\u0301",
			"\u0000",
			"\u007f\u0080\u07ff\u0800\uffff\u{10000}\u{10ffff}",
			"é".repeat(5000),
		];
		const entries = texts.map((text) => [`${PREFIX}${text}`, text] as [string, string]);
		await client.setMany(entries);
		expect(await client.mget(entries.map(([key]) => key))).toEqual(texts);
		for (const [key, text] of entries) {
			expect(await client.get(key)).toBe(text);
			expect(await client.command("STRLEN", key)).toBe(Buffer.byteLength(text));
		}
	});

	test("B02 arguments may hold any byte, and text that looks like the protocol", async () => {
		const hostile = ["\r\n", "$-1\r\n", "*1\r\n$4\r\nPING\r\n", "+OK\r\n-ERR\r\n", "a\0b", "\r", "\n"];
		for (const text of hostile) {
			for (const value of [text, Buffer.from(text), Buffer.from([0xff, ...Buffer.from(text), 0xfe])]) {
				const key = Buffer.concat([Buffer.from(PREFIX), Buffer.from(value)]);
				await client.set(key, value);
				expect(await client.buffers.get(key)).toEqual(Buffer.from(value));
			}
		}
		expect(await client.command("EVAL", "return ARGV[1]", 0, "*1\r\n$-1\r\n")).toBe("*1\r\n$-1\r\n");
		expect(await client.command("PUBLISH", "$-1\r\n", "*0\r\n")).toBe(0);
		expect(await client.command("PING", "in step")).toBe("in step");
	});

	test("B03 the empty string is a key and a value", async () => {
		expect(await client.set("", "")).toBe("OK");
		expect(await client.get("")).toBe("");
		expect(await client.mget(["", `${PREFIX}none`])).toEqual(["", null]);
		expect(await client.existsMany([""])).toBe(1);
		expect(await client.delMany([Buffer.alloc(0)])).toBe(1);
		expect(await client.get("")).toBeNull();
	});

	test("B07 an empty command is refused, and the replies stay in step", async () => {
		const calls = [
			client.command("PING", "before"),
			rejectionOf(client.command("")),
			rejectionOf((client.command as (...args: string[]) => Promise<unknown>)()),
			client.command("PING", "after"),
		];
		const [before, empty, none, after] = (await Promise.all(calls)) as [unknown, { code: string }, { code: string }, unknown];
		expect([before, empty.code, none.code, after]).toEqual(["before", "INVALID_ARGUMENT", "INVALID_ARGUMENT", "after"]);
	});

	test("B10 what is changed after the call was not sent: strings in arrays, small views at their offset", async () => {
		const memory = Buffer.from("..value....");
		const value = memory.subarray(2, 7);
		const entries: [string, Buffer][] = [[`${PREFIX}{b10}1`, value]];
		const keys = [`${PREFIX}{b10}1`, `${PREFIX}{b10}2`];
		const calls = [client.set(`${PREFIX}{b10}2`, value), client.setMany(entries)];
		memory.fill("x");
		entries[0] = ["changed", Buffer.from("changed")];
		await Promise.all(calls);
		const read = client.mget(keys);
		keys.length = 0;
		expect(await read).toEqual(["value", "value"]);
	});

	test("B10 a large Buffer is sent as it is, and one that was transferred away is refused", async () => {
		const value = Buffer.alloc(MiB, "v");
		await client.set(`${PREFIX}large`, value);
		expect((await client.buffers.get(`${PREFIX}large`))?.equals(value)).toBe(true);
		const detached = new Uint8Array(MiB);
		structuredClone(detached.buffer, { transfer: [detached.buffer] });
		expect(await rejectionOf(client.set(`${PREFIX}large`, detached))).toMatchObject({ code: "INVALID_ARGUMENT", index: 2 });
		const leaving = new Uint8Array(MiB);
		const calls = [client.get(`${PREFIX}none`), rejectionOf(client.set(`${PREFIX}large`, leaving)), client.get(`${PREFIX}none`)];
		structuredClone(leaving.buffer, { transfer: [leaving.buffer] });
		const [first, refused, last] = await Promise.all(calls);
		expect([first, last]).toEqual([null, null]);
		expect(refused).toMatchObject({ code: "INVALID_ARGUMENT" });
		expect((await client.buffers.get(`${PREFIX}large`))?.equals(value)).toBe(true);
	});
});

test("B02 a key of bytes is hashed as the server hashes it", async () => {
	await using client = await createClient(inject("clusterUrl"));
	const keys = ["ключ", "日本", "😀", "{😀}x", "", "{}a"].map((text) => Buffer.from(text));
	keys.push(Buffer.from([0xff, 0]), Buffer.from([0x7b, 0xff, 0x7d, 0x6b]));
	const { keySlot } = await import("../../src/slot.js");
	for (const key of keys) expect(await client.command("CLUSTER", "KEYSLOT", key)).toBe(keySlot(key));
	await client.setMany(keys.map((key) => [key, "v"]));
	expect(client.stats().redirections).toBe(0);
	await client.delMany(keys);
});

describe("B08 arguments over the server's limit", () => {
	const args = ["--proto-max-bulk-len", "1mb"];

	test("B08 with socket.maxBulkBytes they are refused here, and nothing in flight is lost", async () => {
		await using server = await startStandalone({ args });
		await using client = await createClient({ url: server.url, socket: { maxBulkBytes: MiB } });
		const value = Buffer.alloc(2 * MiB, "x");
		const calls = await Promise.all([
			client.set("a", "1"),
			rejectionOf(client.set("k", value)),
			rejectionOf(client.set("k", value.toString())),
			rejectionOf(
				client.setMany([
					["b", "2"],
					["k", value],
				]),
			),
			rejectionOf(client.command("APPEND", "k", value)),
			client.set("k", value.subarray(0, MiB)),
			client.get("a"),
		]);
		for (const error of calls.slice(1, 5)) expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
		expect(calls[1]).toMatchObject({ index: 2 });
		expect([calls[0], calls[5], calls[6]]).toEqual(["OK", "OK", "1"]);
		expect(await client.command("EXISTS", "b")).toBe(0);
		expect(client.stats().reconnects).toBe(0);
		expect(await client.command("STRLEN", "k")).toBe(MiB);
	});

	test("B08 without it the server ends the connection, and the client gets a new one", async () => {
		await using server = await startStandalone({ args });
		await using client = await createClient({ url: server.url, retry: { baseMs: 1, maxMs: 20 } });
		const error = await rejectionOf(client.set("k", Buffer.alloc(2 * MiB)));
		// The server answers and closes with the value half read: its reset mostly overtakes the answer.
		expect([
			["ERR", false],
			["CONNECTION", true],
		]).toContainEqual([error.code, (error as { maybeExecuted?: boolean }).maybeExecuted]);
		await expect.poll(() => client.stats().reconnects, { interval: 5 }).toBe(1);
		expect(await client.set("k", "small")).toBe("OK");
		expect(await client.get("k")).toBe("small");
	});
});

test("B09 E05 a million keys are read in chunks, in order", { timeout: 60_000 }, async () => {
	await using client = await createClient(inject("standaloneUrl"));
	const keys = Array.from({ length: 1_000_000 }, (_, index) => `${PREFIX}m${index}`);
	await client.setMany([
		[keys[0] as string, "first"],
		[keys[999_999] as string, "last"],
		[keys[123_456] as string, "middle"],
	]);
	const values = await client.mget(keys, { chunkSize: 10_000, timeoutMs: 50_000 });
	expect(values).toHaveLength(1_000_000);
	expect([values[0], values[123_456], values[999_999]]).toEqual(["first", "middle", "last"]);
	expect(values.filter((value) => value !== null)).toHaveLength(3);
});

test("B11 a pipeline of 256 MiB takes no memory for its values", { timeout: 60_000 }, async () => {
	await using client = await createClient(inject("standaloneUrl"));
	const value = Buffer.alloc(MiB, "p");
	const memory = () => {
		const { heapUsed, arrayBuffers } = process.memoryUsage();
		return heapUsed + arrayBuffers;
	};
	const before = memory();
	let peak = before;
	const watch = setInterval(() => {
		peak = Math.max(peak, memory());
	}, 5);
	// One key: the server keeps one value, the wire carries 256.
	const entries = Array.from({ length: 256 }, () => [`${PREFIX}b11`, value] as [string, Buffer]);
	const results = client.setMany(entries, { timeoutMs: 50_000, ex: 60 });
	peak = Math.max(peak, memory());
	expect(new Set(await results)).toEqual(new Set(["OK"]));
	clearInterval(watch);
	expect((peak - before) / MiB).toBeLessThan(64);
});
