/** Large values: read once, into memory taken once, and never more than was asked for. */
import { createServer, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Client, createClient } from "../../src/index.js";
import { rejectionOf } from "../support/secrets.js";

const MiB = 1024 * 1024;
/** A command's name and its first argument. */
const COMMAND = /\*\d+\r\n\$\d+\r\n([A-Z]+)\r\n\$\d+\r\n([^\r]*)/g;
const key = (name: string) => `connection-large-values:${name}`;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** MiB outside and inside the heap that are in use after a collection. */
function retained(): number {
	collect();
	collect();
	const { heapUsed, arrayBuffers } = process.memoryUsage();
	return (heapUsed + arrayBuffers) / MiB;
}

/** Most memory taken while `work` runs, in MiB above what was in use before. */
async function peakOf<T>(work: () => Promise<T>): Promise<{ result: T; peak: number; ms: number }> {
	const before = retained();
	let peak = 0;
	const look = () => {
		const { heapUsed, arrayBuffers } = process.memoryUsage();
		peak = Math.max(peak, (heapUsed + arrayBuffers) / MiB - before);
	};
	const watch = setInterval(look, 2);
	const began = performance.now();
	try {
		const result = await work();
		look();
		return { result, peak, ms: performance.now() - began };
	} finally {
		clearInterval(watch);
	}
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	let client: Client;
	beforeAll(async () => {
		client = await createClient({ url: inject("standaloneUrl"), protocol, timeouts: { commandMs: 20_000 } });
	});
	afterAll(() => client.close());

	test.each([0, 1, 16_383, 16_384, 65_535, 65_536, MiB - 1, MiB, MiB + 1])("E14 a value of %i bytes", async (size) => {
		const value = Buffer.from(Array.from({ length: size }, (_, index) => (index * 7 + (index >> 8)) & 0xff));
		await client.set(key("size"), value);
		const [bytes, none, length] = await Promise.all([
			client.buffers.get(key("size")),
			client.get(key("none")),
			client.command("STRLEN", key("size")),
		]);
		expect(bytes?.equals(value)).toBe(true);
		expect([none, length]).toEqual([null, size]);
	});

	test("A28 E14 100 MiB are read in linear time, into one allocation and its growth", { timeout: 60_000 }, async () => {
		const size = 100 * MiB;
		await client.command("SETRANGE", key("huge"), size - 3, "end");
		try {
			const { result, peak, ms } = await peakOf(() => client.buffers.get(key("huge")));
			expect(result?.length).toBe(size);
			expect(result?.toString("latin1", size - 4)).toBe("\0end");
			// Joining what is there with every chunk would copy 80 GiB.
			expect(ms).toBeLessThan(15_000);
			expect(peak).toBeLessThan(2.6 * 100);

			const target = Buffer.alloc(size);
			const into = await peakOf(() => client.getInto(key("huge"), target));
			expect(into.result).toBe(size);
			expect(target.toString("latin1", size - 4)).toBe("\0end");
			expect(into.peak).toBeLessThan(16);
			expect(into.ms).toBeLessThan(15_000);
		} finally {
			await client.command("DEL", key("huge"));
		}
	});

	test("A28 small values that are kept do not keep the chunks they came in", async () => {
		await client.set(key("small"), "0123456789");
		await client.set(key("bulky"), Buffer.alloc(50_000, "b"));
		await client.buffers.mget([key("small"), key("bulky")]);
		const before = retained();
		const kept: (Buffer | null)[] = [];
		for (let round = 0; round < 100; round++) {
			const calls = Array.from({ length: 10 }, async () => {
				const [small] = await client.buffers.mget([key("small"), key("bulky")]);
				kept.push(small as Buffer);
			});
			await Promise.all(calls);
		}
		expect(kept.every((value) => value?.toString() === "0123456789")).toBe(true);
		// 50 MB passed by.
		expect(retained() - before).toBeLessThan(12);
		expect(kept).toHaveLength(1000);
	});
});

describe.each([2, 3] as const)("512 MiB of zeros, RESP%i", (protocol) => {
	const size = 512 * MiB;
	const zeros = Buffer.alloc(4 * MiB);
	let url: string;
	let close: () => Promise<unknown>;

	/** Answers HELLO, then each GET with 512 MiB for the key `huge` and "ok" for any other. */
	beforeAll(async () => {
		const sockets = new Set<Socket>();
		const server = createServer((socket) => {
			sockets.add(socket);
			socket.on("error", () => {});
			let turn: Promise<unknown> = Promise.resolve();
			socket.on("data", (chunk) => {
				for (const [, name, argument] of chunk.toString("latin1").matchAll(COMMAND)) {
					turn = turn.then(() => answer(socket, name as string, argument as string));
				}
			});
		});
		await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
		url = `redis://127.0.0.1:${(server.address() as { port: number }).port}`;
		close = () => {
			for (const socket of sockets) socket.destroy();
			return new Promise((resolve) => server.close(resolve));
		};
	});
	afterAll(() => close());

	async function answer(socket: Socket, name: string, argument: string): Promise<void> {
		if (name === "HELLO") socket.write(`${protocol === 3 ? "%2" : "*4"}\r\n+proto\r\n:${argument}\r\n+mode\r\n+standalone\r\n`);
		else if (name === "CLIENT") socket.write("+OK\r\n");
		else if (argument !== "huge") socket.write("$2\r\nok\r\n");
		else {
			socket.write(`$${size}\r\n`);
			for (let sent = 0; sent < size && !socket.destroyed; sent += zeros.length) {
				await new Promise((resolve) => socket.write(zeros, resolve));
			}
			socket.write("\r\n");
		}
	}

	test("A27 as a string it rejects that command only, and takes no memory", { timeout: 60_000 }, async () => {
		await using client = await createClient({ url, protocol, timeouts: { commandMs: 30_000 } });
		const { result, peak } = await peakOf(() =>
			Promise.all([client.get("a"), rejectionOf(client.get("huge")), client.get("b"), client.get("c")]),
		);
		const [a, error, b, c] = result;
		expect([a, b, c]).toEqual(["ok", "ok", "ok"]);
		expect(error).toMatchObject({ code: "UNSUPPORTED" });
		expect(peak).toBeLessThan(64);
		expect(client.stats().reconnects).toBe(0);
	});

	test("A27 into a target that is too small: its length is told, the target untouched", { timeout: 60_000 }, async () => {
		await using client = await createClient({ url, protocol, timeouts: { commandMs: 30_000 } });
		const target = Buffer.alloc(8, "#");
		const [error, after] = await Promise.all([rejectionOf(client.getInto("huge", target)), client.get("after")]);
		expect(error).toMatchObject({ code: "TARGET_TOO_SMALL", needed: size });
		expect([target.toString(), after]).toEqual(["########", "ok"]);
	});

	test("A06 B08 over maxBulkBytes it ends the connection at its header", async () => {
		await using client = await createClient({
			url,
			protocol,
			socket: { maxBulkBytes: size - 1 },
			retry: { baseMs: 1, maxMs: 5 },
		});
		const { result, peak } = await peakOf(() => rejectionOf(client.buffers.get("huge")));
		expect(result.code).toBe("PROTOCOL");
		expect(peak).toBeLessThan(64);
		expect(await client.get("next")).toBe("ok");
	});
});
