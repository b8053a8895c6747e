import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvalidArgumentError } from "../../../src/errors.js";
import { type Argument, CommandWriter, checkArgument, checkArguments, isDetached } from "../../../src/resp/encode.js";
import { encodeCommand } from "../../../src/resp/index.js";

function detach(view: Uint8Array): void {
	structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
}

function wire(args: readonly (string | Uint8Array)[]): Buffer {
	const parts: Uint8Array[] = [Buffer.from(`*${args.length}\r\n`)];
	for (const arg of args) {
		const bytes = typeof arg === "string" ? Buffer.from(arg) : Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength);
		parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
	}
	return Buffer.concat(parts);
}

function refusalOf(run: () => unknown): InvalidArgumentError {
	try {
		run();
	} catch (error) {
		expect(error).toBeInstanceOf(InvalidArgumentError);
		return error as InvalidArgumentError;
	}
	throw new Error("it was accepted");
}

describe("arguments", () => {
	test("B01 lengths count bytes, for every kind of character and every length", () => {
		for (const text of ["a", "é", "ключ", "日本", "😀", "a".repeat(9), "é".repeat(9)]) {
			for (const times of [1, 3, 5, 11, 12, 40, 334, 3400, 30_000, 70_000]) {
				const value = text.repeat(times);
				expect(encodeCommand(["SET", value, `${value}x`]).equals(wire(["SET", value, `${value}x`])), `${text} ${times}`).toBe(
					true,
				);
			}
		}
	});

	test("B02 bytes are sent as they are, in strings and in views", () => {
		const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
		for (const value of [
			"\r\n",
			"\0",
			"$-1\r\n",
			"*0\r\n",
			" ",
			'"',
			"\u0080\u00ff",
			bytes,
			new Uint8Array(bytes).subarray(250),
		]) {
			expect(encodeCommand(["SET", "k", value])).toEqual(wire(["SET", "k", value]));
		}
	});

	test("B03 the empty string and empty bytes are legal", () => {
		expect(encodeCommand(["SET", "", ""]).toString()).toBe("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$0\r\n\r\n");
		expect(encodeCommand(["SET", Buffer.alloc(0), new Uint8Array(0)]).toString()).toBe("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$0\r\n\r\n");
		expect(checkArgument("", 1)).toBe("");
	});

	test("B04 safe integers and bigints are sent as digits", () => {
		const cases: [number | bigint, string][] = [
			[0, "0"],
			[-0, "0"],
			[60, "60"],
			[-1, "-1"],
			[Number.MAX_SAFE_INTEGER, "9007199254740991"],
			[9223372036854775807n, "9223372036854775807"],
			[-5n, "-5"],
		];
		for (const [value, digits] of cases) expect(encodeCommand(["INCRBY", "k", value])).toEqual(wire(["INCRBY", "k", digits]));
	});

	test("B04 NaN, infinities and unsafe integers are refused", () => {
		for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53, 1e21, -(2 ** 60)]) {
			for (const name of ["SET", "ZADD", "INCRBYFLOAT"]) expect(refusalOf(() => encodeCommand([name, "k", value])).index).toBe(2);
		}
	});

	test("B04 fractions are taken only by commands that read floats", () => {
		expect(encodeCommand(["INCRBYFLOAT", "k", 1.5])).toEqual(wire(["INCRBYFLOAT", "k", "1.5"]));
		expect(encodeCommand(["zadd", "k", -0.25, "m"])).toEqual(wire(["zadd", "k", "-0.25", "m"]));
		expect(encodeCommand(["GEOADD", "k", 13.361389, 38.115556, "Palermo"])).toEqual(
			wire(["GEOADD", "k", "13.361389", "38.115556", "Palermo"]),
		);
		expect(encodeCommand(["BLPOP", "k", 0.1])).toEqual(wire(["BLPOP", "k", "0.1"]));
		for (const name of ["SET", "EXPIRE", "INCRBY", "LRANGE"])
			expect(refusalOf(() => encodeCommand([name, "k", 1.5])).index).toBe(2);
		expect(refusalOf(() => checkArgument(1.5, 4)).index).toBe(4);
	});

	test("B05 what is no string, bytes or number is refused with its index, never its content", () => {
		const secret = "hunter2";
		const values: unknown[] = [
			undefined,
			null,
			true,
			false,
			{ secret },
			{ toString: () => secret },
			[secret],
			[],
			new Date(),
			Symbol(secret),
			() => secret,
			new Map([[secret, secret]]),
			new DataView(new ArrayBuffer(8)),
			new Float64Array(2),
			new Uint16Array(2),
			new ArrayBuffer(8),
			new String(secret),
		];
		for (const value of values) {
			const error = refusalOf(() => encodeCommand(["SET", "k", value as string]));
			expect(error).toMatchObject({ code: "INVALID_ARGUMENT", index: 2 });
			expect(error.message).not.toContain(secret);
			expect(refusalOf(() => checkArgument(value, 1)).index).toBe(1);
		}
		// biome-ignore lint/suspicious/noSparseArray: a hole is an argument nobody passed
		expect(refusalOf(() => encodeCommand(["SET", , "v"] as unknown as string[])).index).toBe(1);
	});

	test("B06 lone surrogates are refused", () => {
		for (const text of ["\ud800", "\udc00", "a\ud83d", "\ude00\ud83d", "key:\udfff:x"]) {
			const error = refusalOf(() => encodeCommand(["GET", text]));
			expect(error).toMatchObject({ code: "INVALID_ARGUMENT", index: 1 });
		}
		expect(encodeCommand(["GET", "\ud83d\ude00"])).toEqual(wire(["GET", "😀"]));
	});

	test("B06 strings that are not equal never become equal bytes", () => {
		fc.assert(
			fc.property(fc.string({ unit: "binary", maxLength: 30 }), fc.string({ unit: "binary", maxLength: 30 }), (a, b) => {
				if (a !== b) expect(encodeCommand(["GET", a]).equals(encodeCommand(["GET", b]))).toBe(false);
			}),
		);
		fc.assert(
			fc.property(fc.array(fc.integer({ min: 0xd700, max: 0xe010 }), { maxLength: 5 }), (codes) => {
				const text = String.fromCharCode(...codes);
				if (/\p{Surrogate}/u.test(text)) refusalOf(() => encodeCommand(["GET", text]));
				else expect(encodeCommand(["GET", text])).toEqual(wire(["GET", text]));
			}),
		);
	});

	test("B07 an empty command, and one without a name, is refused", () => {
		for (const args of [[], [""], [Buffer.from("GET")], [1], [undefined], [null]]) {
			expect(refusalOf(() => encodeCommand(args as string[])).index).toBe(0);
		}
		for (const args of [undefined, null, "GET", {}]) refusalOf(() => encodeCommand(args as unknown as string[]));
	});

	test("B08 an argument over the limit is refused by its length in bytes", () => {
		const limit = { maxBulkBytes: 10 };
		expect(checkArguments(["SET", "k".repeat(10), Buffer.alloc(10)], limit)).toHaveLength(3);
		expect(refusalOf(() => checkArguments(["SET", "k".repeat(11)], limit)).index).toBe(1);
		expect(refusalOf(() => checkArguments(["SET", "ééééé", "éééééé"], limit)).index).toBe(2);
		expect(refusalOf(() => checkArguments(["SET", "k", Buffer.alloc(11)], limit)).index).toBe(2);
		expect(refusalOf(() => checkArgument(new Uint8Array(512 * 1024 * 1024 + 1), 3)).index).toBe(3);
	});

	test("B09 a command may have a million arguments", () => {
		const args = ["MGET"];
		for (let i = 0; i < 1_000_000; i++) args.push(`k${i}`);
		const bytes = encodeCommand(args);
		expect(bytes.subarray(0, 10).toString("latin1")).toBe("*1000001\r\n");
		expect(bytes.subarray(-13).toString("latin1")).toBe("$7\r\nk999999\r\n");
	});

	test("B10 what the caller changes after the call is not sent", () => {
		const args = ["SET", "k", Buffer.from("before")] as (string | Buffer)[];
		const checked = checkArguments(args);
		(args[2] as Buffer).fill("x");
		args[1] = "other";
		args.length = 2;
		const writer = new CommandWriter();
		writer.command(checked);
		expect(Buffer.concat(writer.take())).toEqual(wire(["SET", "k", "before"]));
	});

	test("B10 views count from their offset, and detached ones are refused", () => {
		const memory = new Uint8Array(Buffer.from("0123456789"));
		expect(encodeCommand(["SET", "k", memory.subarray(3, 6)])).toEqual(wire(["SET", "k", "345"]));
		const small = new Uint8Array(8);
		const large = new Uint8Array(100_000);
		for (const view of [small, large]) {
			expect(isDetached(view)).toBe(false);
			detach(view);
			expect(isDetached(view)).toBe(true);
			expect(refusalOf(() => encodeCommand(["SET", "k", view])).index).toBe(2);
		}
		expect(isDetached(new Uint8Array(0))).toBe(false);
	});

	test("B10 views under 16 KiB are copied into shared slabs, larger ones borrowed, unless copies are asked for", () => {
		const small = Buffer.alloc(16 * 1024 - 1, "a");
		const copy = checkArgument(small, 1) as Uint8Array;
		expect(copy).not.toBe(small);
		expect(copy.buffer.byteLength).toBeLessThanOrEqual(64 * 1024);
		const tiny = Array.from({ length: 1000 }, () => checkArgument(Buffer.from("xyz"), 1) as Uint8Array);
		expect(new Set(tiny.map((view) => view.buffer)).size).toBeLessThanOrEqual(2);
		const large = Buffer.alloc(16 * 1024, "a");
		expect(checkArgument(large, 1)).toBe(large);
		const own = checkArgument(large, 1, { copy: true }) as Uint8Array;
		large.fill("b");
		expect(Buffer.from(own).equals(Buffer.alloc(16 * 1024, "a"))).toBe(true);
	});

	test("B10 a view of resizable memory is copied: its length could change while it is borrowed", () => {
		const Resizable = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => ArrayBuffer;
		const view = new Uint8Array(new Resizable(20_000, { maxByteLength: 40_000 }));
		expect(checkArgument(view, 1)).not.toBe(view);
		expect((checkArgument(view, 1) as Uint8Array).length).toBe(20_000);
	});
});

describe("CommandWriter", () => {
	const text = fc.oneof(
		fc.string({ unit: "binary", maxLength: 70 }),
		fc.nat(20_000).map((length) => "v".repeat(length)),
	);
	const view = fc.nat(20_000).map((length) => Buffer.alloc(length, "b"));
	const command = fc.array(fc.oneof(text, view), { minLength: 1, maxLength: 6 });

	test("B11 flushes give the bytes of their commands, with and without recycling", () => {
		fc.assert(
			fc.property(fc.array(fc.tuple(fc.array(command, { maxLength: 12 }), fc.boolean()), { maxLength: 8 }), (flushes) => {
				const writer = new CommandWriter();
				const taken: [Buffer[], Buffer][] = [];
				for (const [commands, recycle] of flushes) {
					for (const args of commands) writer.command(args);
					const expected = Buffer.concat(commands.map(wire));
					expect(writer.length).toBe(expected.length);
					taken.push([writer.take(), expected]);
					expect(writer.length).toBe(0);
					if (recycle) {
						for (const [pieces, bytes] of taken.splice(0)) expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
						writer.recycle();
					}
				}
				for (const [pieces, bytes] of taken) expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
			}),
			{ numRuns: 200 },
		);
	});

	test("B11 small commands are one piece of one slab, which is used again once recycled", () => {
		const writer = new CommandWriter();
		let memory: ArrayBufferLike | undefined;
		for (let flush = 0; flush < 100; flush++) {
			for (let i = 0; i < 100; i++) writer.command(["GET", `key:${i}`]);
			const pieces = writer.take();
			expect(pieces).toHaveLength(1);
			memory ??= (pieces[0] as Buffer).buffer;
			expect((pieces[0] as Buffer).buffer).toBe(memory);
			writer.recycle();
		}
	});

	test("B11 large values go by reference: 256 MiB of them take no memory of their own", () => {
		const writer = new CommandWriter();
		const value = Buffer.alloc(1024 * 1024);
		const before = process.memoryUsage().arrayBuffers;
		for (let i = 0; i < 256; i++) writer.command(["SET", `key:${i}`, value]);
		expect(writer.length).toBeGreaterThan(256 * 1024 * 1024);
		expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
		const pieces = writer.take();
		expect(pieces.filter((piece) => piece.buffer === value.buffer)).toHaveLength(256);
	});

	test("B11 slabs grow to 1 MiB and no further", () => {
		const writer = new CommandWriter();
		const value = "v".repeat(1000);
		for (let i = 0; i < 8000; i++) writer.command(["SET", `key:${i}`, value]);
		const sizes = new Set(writer.take().map((piece) => piece.buffer.byteLength));
		expect(Math.max(...sizes)).toBe(1024 * 1024);
	});

	test("a recycle while bytes are not yet taken keeps them", () => {
		const writer = new CommandWriter();
		writer.command(["GET", "a"]);
		writer.recycle();
		writer.command(["GET", "b"]);
		expect(Buffer.concat(writer.take())).toEqual(Buffer.concat([wire(["GET", "a"]), wire(["GET", "b"])]));
	});

	test("B10 a value detached while it was borrowed is refused before its command's header, and the writer goes on", () => {
		const writer = new CommandWriter();
		const borrowed = new Uint8Array(20_000).fill(1);
		const doomed = new Uint8Array(20_000);
		const args = checkArguments(["MSET", "a", borrowed, "b", doomed]) as Argument[];
		writer.command(["SET", "x", borrowed]);
		detach(doomed);
		const length = writer.length;
		expect(refusalOf(() => writer.command(args)).index).toBe(4);
		expect(writer.length).toBe(length);
		writer.command(["GET", "y"]);
		expect(Buffer.concat(writer.take())).toEqual(Buffer.concat([wire(["SET", "x", borrowed]), wire(["GET", "y"])]));
	});
});

test("encodeCommand gives every call a Buffer of its own", () => {
	const first = encodeCommand(["GET", "first"]);
	const second = encodeCommand(["GET", "other"]);
	second.fill(0);
	expect(first).toEqual(wire(["GET", "first"]));
});

test("encodeCommand leaves nothing behind when it refuses", () => {
	refusalOf(() => encodeCommand(["SET", "k", undefined as unknown as string]));
	expect(encodeCommand(["GET", "k"])).toEqual(wire(["GET", "k"]));
});
