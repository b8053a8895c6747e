import { constants } from "node:buffer";
import { describe, expect, test } from "vitest";
import { ClientError, ProtocolError, ReplyError } from "../../../src/errors.js";
import { Resp3Decoder } from "../../../src/resp/decode.js";
import { ReplyMode } from "../../../src/resp/reply.js";
import {
	bytesOf,
	createDecoder,
	type DecoderName,
	decodeAll,
	decodeEvents,
	decodeOne,
	RecordingSink,
	refusal,
} from "../../support/frames.js";

const both: DecoderName[] = ["resp3", "resp2"];

describe.each(both)("%s", (name) => {
	test("A02 a simple string ends at CRLF", () => {
		for (const text of ["OK", "QUEUED", "PONG", "RESET", "", "O", "OK ", "OKK", "naïve ключ"]) {
			expect(decodeOne(Buffer.from(`+${text}\r\n`), name)).toBe(text);
		}
	});

	test("A02 a carriage return or line feed alone is refused", () => {
		for (const wire of ["+O\rK\r\n", "+O\nK\r\n", "+OK\n", "+OK\r\r\n", "-ERR\n", ":1\n", "$1\nx\r\n", "*1\n"]) {
			expect(refusal(wire, name), JSON.stringify(wire)).toBeInstanceOf(ProtocolError);
		}
	});

	test("A03 an error is a value with the whole line, wherever it stands", () => {
		const reply = decodeOne("*3\r\n:1\r\n-myerr of a script\r\n:3\r\n", name) as unknown[];
		expect(reply[0]).toBe(1);
		expect(reply[1]).toBeInstanceOf(ReplyError);
		expect(reply[1]).toMatchObject({ code: "myerr", message: "myerr of a script" });
		expect(reply[2]).toBe(3);
		expect(decodeOne("-MOVED 3999 127.0.0.1:6381\r\n", name)).toMatchObject({
			code: "MOVED",
			message: "MOVED 3999 127.0.0.1:6381",
		});
	});

	test("A04 an integer is exact: a number while that is safe, a bigint beyond", () => {
		const cases: [string, number | bigint][] = [
			["0", 0],
			["-0", 0],
			["+1", 1],
			["-1", -1],
			["+0", 0],
			["007", 7],
			["123456789012345", 123456789012345],
			["-123456789012345", -123456789012345],
			["1234567890123456", 1234567890123456],
			["9007199254740991", 9007199254740991],
			["-9007199254740991", -9007199254740991],
			["9007199254740992", 9007199254740992n],
			["9007199254740993", 9007199254740993n],
			["+9007199254740993", 9007199254740993n],
			["9223372036854775807", 9223372036854775807n],
			["-9223372036854775808", -9223372036854775808n],
		];
		for (const [digits, value] of cases) {
			const reply = decodeOne(`:${digits}\r\n`, name);
			expect(Object.is(reply, value), `${digits} gave ${reply}`).toBe(true);
		}
	});

	test("A04 what is no 64-bit integer is refused", () => {
		for (const digits of [
			"",
			"-",
			"+",
			"--1",
			"+-1",
			"1-",
			"12x",
			"x",
			" 1",
			"1 ",
			"1.0",
			"1e3",
			"0x1",
			"9223372036854775808",
			"-9223372036854775809",
			"9".repeat(30),
		]) {
			expect(refusal(`:${digits}\r\n`, name), digits).toBeInstanceOf(ProtocolError);
		}
	});

	test("A05 a bulk string is driven by its length, whatever it contains", () => {
		const alphabet = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
		for (const payload of [alphabet, Buffer.from("\r\n$-1\r\n"), Buffer.alloc(0), Buffer.from("\r\n"), Buffer.from([0])]) {
			const wire = Buffer.concat([Buffer.from(`$${payload.length}\r\n`), payload, Buffer.from("\r\n")]);
			expect(decodeOne(wire, name, ReplyMode.buffer)).toEqual(payload);
		}
		expect(decodeOne("$0\r\n\r\n", name)).toBe("");
		expect(decodeOne("$-1\r\n", name)).toBeNull();
	});

	test("A05 a bulk string without CRLF after it is refused", () => {
		for (const wire of ["$1\r\nabc", "$1\r\na\rX", "$1\r\naX\n", "$0\r\nab", "*1\r\n$1\r\nabc", "$-1\r"]) {
			const ended = wire === "$-1\r" ? `${wire}x` : wire;
			expect(refusal(ended, name), wire).toBeInstanceOf(ProtocolError);
		}
	});

	test("A06 lengths that are not digits are refused before allocating", () => {
		const lengths = [
			"",
			"-",
			"-2",
			"-0",
			"-01",
			"+5",
			" 5",
			"5 ",
			"5a",
			"0x5",
			"1e3",
			"5.0",
			"1".repeat(20),
			"9".repeat(19),
			"?",
			"-1x",
			"--1",
		];
		for (const type of ["$", "*"]) {
			for (const length of lengths) {
				if (name === "resp3" && length === "?") continue;
				expect(refusal(`${type}${length}\r\n`, name), type + length).toBeInstanceOf(ProtocolError);
			}
		}
	});

	test("A06 a bulk string longer than maxBulkBytes is refused at its header", () => {
		expect(refusal("$536870913\r\n", name)).toBeInstanceOf(ProtocolError);
		expect(refusal("$11\r\n", name, ReplyMode.string, { maxBulkBytes: 10 })).toBeInstanceOf(ProtocolError);
		expect(refusal("*1\r\n$11\r\n", name, ReplyMode.string, { maxBulkBytes: 10 })).toBeInstanceOf(ProtocolError);
		expect(refusal(`$11\r\n${"x".repeat(11)}\r\n`, name, ReplyMode.string, { maxBulkBytes: 10 })).toBeInstanceOf(ProtocolError);
		expect(decodeOne(`$10\r\n${"x".repeat(10)}\r\n`, name, ReplyMode.string, { maxBulkBytes: 10 })).toHaveLength(10);
	});

	test("A07 an empty array is not a null array", () => {
		expect(decodeOne("*0\r\n", name)).toEqual([]);
		expect(decodeOne("*-1\r\n", name)).toBeNull();
		expect(decodeOne("*3\r\n$-1\r\n*-1\r\n*0\r\n", name)).toEqual([null, null, []]);
	});

	test("A08 nesting costs no recursion, and is refused beyond maxDepth", () => {
		const nested = (depth: number): Buffer => Buffer.from(`${"*1\r\n".repeat(depth)}:7\r\n`);
		const depthOf = (wire: Buffer): number => {
			const sink = new RecordingSink();
			createDecoder(name, sink).write(wire);
			let depth = 0;
			for (let value = sink.replies[0]; Array.isArray(value); value = value[0]) depth++;
			return depth;
		};
		expect(depthOf(nested(1000))).toBe(1000);
		expect(depthOf(nested(1024))).toBe(1024);
		for (const depth of [1025, 7000, 1_000_000]) expect(() => depthOf(nested(depth))).toThrow(ProtocolError);
		expect(refusal("*1\r\n*1\r\n*0\r\n", name, ReplyMode.string, { maxDepth: 2 })).toBeInstanceOf(ProtocolError);
	});

	test("A09 a count allocates nothing by itself", () => {
		const sink = new RecordingSink();
		const before = process.memoryUsage();
		for (let i = 0; i < 20; i++) createDecoder(name, sink).write(Buffer.from("*2147483647\r\n:1\r\n"));
		const after = process.memoryUsage();
		expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(32 * 1024 * 1024);
		expect(sink.events).toEqual([]);
	});

	test("A10 all three nulls are null", () => {
		expect(decodeAll("_\r\n$-1\r\n*-1\r\n*2\r\n_\r\n:1\r\n", name)).toEqual([null, null, null, [null, 1]]);
		for (const wire of ["_x\r\n", "_ \r\n", "__\r\n"]) expect(refusal(wire, name)).toBeInstanceOf(ProtocolError);
	});

	test("A25 an unknown type byte is fatal, and the error shows the first bytes of what was received", () => {
		const http = refusal("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\r\n", name);
		expect(http).toBeInstanceOf(ProtocolError);
		expect(http.message).toContain(Buffer.from("HTTP/1.1 400 Bad Request\r\nConten").toString("hex"));
		expect(http.message).not.toContain(Buffer.from("Content").toString("hex"));
		for (const wire of ["\x15\x03\x01\x00\x02", "\r\n", "\n", "\0", "OK\r\n", " +OK\r\n", "+OK\r\nx", "*1\r\nx"]) {
			expect(refusal(wire, name), JSON.stringify(wire)).toBeInstanceOf(ProtocolError);
		}
	});

	test("A25 bytes inside a reply are not quoted", () => {
		const error = refusal("*2\r\n:1\r\nsecret", name);
		expect(error.message).not.toMatch(/secret|736563726574/);
		expect(refusal("$3\r\nsecret\r\n", name).message).not.toMatch(/secret|736563/);
		expect(refusal(":secret\r\n", name).message).not.toMatch(/secret|736563/);
		expect(refusal("$secret\r\n", name).message).not.toMatch(/secret|736563/);
	});

	test("A25 the replies before illegal bytes are delivered, nothing after them, and the decoder is unusable", () => {
		const sink = new RecordingSink();
		const decoder = createDecoder(name, sink);
		expect(() => decoder.write(Buffer.from("+OK\r\n:1\r\n?\r\n+NO\r\n"))).toThrow(ProtocolError);
		expect(sink.replies).toEqual(["OK", 1]);
		expect(() => decoder.write(Buffer.from("+NO\r\n"))).toThrow(ProtocolError);
		expect(decoder.room()).toBeNull();
		expect(sink.replies).toEqual(["OK", 1]);
	});

	test("A29 bytes that are no UTF-8 survive as Buffers and become U+FFFD as text", () => {
		expect(decodeOne(bytesOf("$2\r\n\xff\xfe\r\n"), name, ReplyMode.buffer)).toEqual(Buffer.of(0xff, 0xfe));
		expect(decodeOne(bytesOf("$2\r\n\xff\xfe\r\n"), name)).toBe("\ufffd\ufffd");
	});

	test("A30 a line without an end is refused: after 32 bytes for lengths, after 1 MiB for text", () => {
		for (const type of ["$", "*"]) {
			expect(refusal(`${type}${"1".repeat(33)}`, name)).toBeInstanceOf(ProtocolError);
		}
		expect(refusal(`:${"1".repeat(33)}`, name)).toBeInstanceOf(ProtocolError);
		for (const type of ["+", "-"]) {
			const endless = (chunk: number) => (): void => {
				const decoder = createDecoder(name, new RecordingSink());
				decoder.write(Buffer.from(type));
				for (let sent = 0; sent <= 1024 * 1024 + 1; sent += chunk) decoder.write(Buffer.alloc(chunk, "x"));
			};
			for (const chunk of [1000, 65536, 2 * 1024 * 1024]) expect(endless(chunk)).toThrow(ProtocolError);
		}
	});

	test("A30 a line of exactly 1 MiB is read", () => {
		const text = "x".repeat(1024 * 1024);
		const sink = new RecordingSink();
		const decoder = createDecoder(name, sink);
		const wire = Buffer.from(`+${text}\r\n`);
		decoder.write(wire);
		for (let at = 0; at < wire.length; at += 4095) decoder.write(wire.subarray(at, at + 4095));
		expect(sink.replies).toEqual([text, text]);
	});

	test("the mode is asked once per top-level reply, at its first byte", () => {
		const sink = new RecordingSink(ReplyMode.string, ReplyMode.buffer, ReplyMode.string);
		const decoder = createDecoder(name, sink);
		decoder.write(Buffer.from("$1\r\na\r\n$"));
		expect(sink.modesAsked).toBe(2);
		decoder.write(Buffer.from("1\r\nb\r\n*2\r\n$1\r\nc"));
		expect(sink.modesAsked).toBe(3);
		decoder.write(Buffer.from("\r\n+d\r\n"));
		expect(sink.modesAsked).toBe(3);
		expect(sink.replies).toEqual(["a", Buffer.from("b"), ["c", "d"]]);
	});

	test("simple strings stay strings in mode buffer", () => {
		expect(decodeOne("*3\r\n+OK\r\n$2\r\nOK\r\n$0\r\n\r\n", name, ReplyMode.buffer)).toEqual([
			"OK",
			Buffer.from("OK"),
			Buffer.alloc(0),
		]);
	});

	test("mode into writes a bulk string into the target, and the reply is its length", () => {
		for (const size of [0, 1, 100, 5000, 200_000]) {
			for (const step of [1_000_000, 4096, 7]) {
				const sink = new RecordingSink(ReplyMode.into);
				const target = Buffer.alloc(size + 10, "-");
				sink.targets = [target];
				const decoder = createDecoder(name, sink);
				const wire = Buffer.from(`$${size}\r\n${"v".repeat(size)}\r\n`);
				for (let at = 0; at < wire.length; at += step) decoder.write(wire.subarray(at, at + step));
				expect(sink.replies).toEqual([size]);
				expect(target.toString()).toBe("v".repeat(size) + "-".repeat(10));
			}
		}
	});

	test("mode into without a target drops the body and says its length; other replies come as usual", () => {
		const wire = `$3\r\nabc\r\n$-1\r\n-ERR no\r\n:5\r\n+OK\r\n*1\r\n$1\r\nx\r\n`;
		const replies = decodeAll(wire, name, ReplyMode.into);
		expect(replies.slice(0, 2)).toEqual([3, null]);
		expect(replies[2]).toBeInstanceOf(ReplyError);
		expect(replies.slice(3)).toEqual([5, "OK", [Buffer.from("x")]]);
	});

	test("mode into leaves a target that is too small untouched", () => {
		const sink = new RecordingSink(ReplyMode.into);
		const target = Buffer.alloc(2, "-");
		sink.targets = [target, target];
		const decoder = createDecoder(name, sink);
		decoder.write(Buffer.from("$3\r\nabc\r\n$3\r\na"));
		decoder.write(Buffer.from("bc\r\n"));
		expect(sink.replies).toEqual([3, 3]);
		expect(target.toString()).toBe("--");
	});

	test("a large bulk string offers its destination to the socket, and what is read there counts", () => {
		for (const mode of [ReplyMode.string, ReplyMode.buffer, ReplyMode.into]) {
			const size = 300_000;
			const sink = new RecordingSink(mode);
			const target = Buffer.alloc(size);
			sink.targets = [target];
			const decoder = createDecoder(name, sink);
			expect(decoder.room()).toBeNull();
			decoder.write(Buffer.from(`$${size}\r\n${"a".repeat(1000)}`));
			let missing = size - 1000;
			for (let room = decoder.room(); room !== null; room = decoder.room()) {
				expect(room.length).toBe(missing);
				const read = Math.min(room.length, 65536);
				room.fill("b", 0, read);
				decoder.filled(read);
				missing -= read;
			}
			expect(missing).toBeLessThan(32 * 1024);
			decoder.write(Buffer.from(`${"c".repeat(missing)}\r\n+OK\r\n`));
			const text = "a".repeat(1000) + "b".repeat(size - 1000 - missing) + "c".repeat(missing);
			const expected = mode === ReplyMode.string ? text : mode === ReplyMode.buffer ? Buffer.from(text) : size;
			expect(sink.replies).toEqual([expected, "OK"]);
			if (mode === ReplyMode.into) expect(target.toString()).toBe(text);
		}
	});

	test("no room is offered for a body that is dropped, or a target that was detached", () => {
		const dropping = createDecoder(name, new RecordingSink(ReplyMode.into));
		dropping.write(Buffer.from("$300000\r\nx"));
		expect(dropping.room()).toBeNull();
		const sink = new RecordingSink(ReplyMode.into);
		const target = new Uint8Array(300_000);
		sink.targets = [target];
		const decoder = createDecoder(name, sink);
		decoder.write(Buffer.from("$300000\r\nx"));
		structuredClone(target.buffer, { transfer: [target.buffer] });
		expect(decoder.room()).toBeNull();
		expect(() => decoder.write(Buffer.from("y"))).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
	});

	test("A27 a bulk string too long for a JavaScript string costs that reply only, and no memory", () => {
		const size = constants.MAX_STRING_LENGTH + 1;
		const sink = new RecordingSink();
		const decoder = createDecoder(name, sink, { maxBulkBytes: size });
		const before = process.memoryUsage.rss();
		let peak = before;
		const chunk = Buffer.alloc(1024 * 1024);
		decoder.write(Buffer.from(`$${size}\r\n`));
		expect(decoder.room()).toBeNull();
		for (let left = size; left > 0; left -= chunk.length) {
			decoder.write(chunk.subarray(0, Math.min(left, chunk.length)));
			peak = Math.max(peak, process.memoryUsage.rss());
		}
		decoder.write(Buffer.from("\r\n+OK\r\n"));
		expect(sink.replies[0]).toBeInstanceOf(ClientError);
		expect(sink.replies[0]).toMatchObject({ code: "UNSUPPORTED" });
		expect(sink.replies[1]).toBe("OK");
		expect(peak - before).toBeLessThan(64 * 1024 * 1024);
	});

	test("A28 a large bulk string is copied once, into memory taken once", () => {
		const size = 8 * 1024 * 1024;
		const sink = new RecordingSink(ReplyMode.buffer);
		const decoder = createDecoder(name, sink);
		const before = process.memoryUsage().arrayBuffers;
		decoder.write(Buffer.from(`$${size}\r\n`));
		const room = decoder.room() as Buffer;
		const chunk = Buffer.alloc(65536, "z");
		for (let left = size; left > 0; left -= chunk.length) decoder.write(chunk);
		decoder.write(Buffer.from("\r\n"));
		const value = sink.replies[0] as Buffer;
		expect(value.length).toBe(size);
		// The memory offered at the header is the memory handed out.
		expect(value.buffer).toBe(room.buffer);
		expect(value.buffer.byteLength).toBe(size);
		expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(size + 1024 * 1024);
	});

	test("A28 beyond 16 MiB memory grows by doubling as bytes arrive", () => {
		const size = 100 * 1024 * 1024;
		const sink = new RecordingSink(ReplyMode.buffer);
		const decoder = createDecoder(name, sink);
		const chunk = Buffer.alloc(1024 * 1024);
		const capacities = new Set<number>();
		decoder.write(Buffer.from(`$${size}\r\n`));
		for (let left = size; left > 0; left -= chunk.length) {
			const room = decoder.room();
			if (room !== null) capacities.add(room.buffer.byteLength);
			decoder.write(chunk);
		}
		decoder.write(Buffer.from("\r\n"));
		const MiB = 1024 * 1024;
		expect([...capacities]).toEqual([16 * MiB, 32 * MiB, 64 * MiB, 100 * MiB]);
		expect((sink.replies[0] as Buffer).length).toBe(size);
	});

	test("A28 small Buffers share slabs of at most 64 KiB and never the chunk they came in", () => {
		const sink = new RecordingSink(ReplyMode.buffer);
		const decoder = createDecoder(name, sink);
		const chunk = Buffer.from(`$10\r\n0123456789\r\n`.repeat(4000));
		for (let i = 0; i < 25; i++) decoder.write(chunk);
		const values = sink.replies as Buffer[];
		expect(values).toHaveLength(100_000);
		const memories = new Set(values.map((value) => value.buffer));
		expect(memories.has(chunk.buffer)).toBe(false);
		let bytes = 0;
		for (const memory of memories) {
			expect(memory.byteLength).toBeLessThanOrEqual(64 * 1024);
			bytes += memory.byteLength;
		}
		// Values with the frames around them, and little more.
		expect(bytes).toBeLessThan(2 * 25 * chunk.length);
	});

	test("A28 a small Buffer that is rare among large text does not keep that text", () => {
		const modes = Array.from({ length: 2000 }, (_, i) => (i % 2 === 0 ? ReplyMode.buffer : ReplyMode.string));
		const sink = new RecordingSink(...modes);
		const decoder = createDecoder(name, sink);
		decoder.write(Buffer.from(`$10\r\n0123456789\r\n$8192\r\n${"x".repeat(8192)}\r\n`.repeat(1000)));
		const memories = new Set(sink.replies.flatMap((value) => (Buffer.isBuffer(value) ? [value.buffer] : [])));
		const kept = [...memories].reduce((sum, memory) => sum + memory.byteLength, 0);
		expect(kept).toBeLessThan(1000 * 8192 * 0.05);
	});

	test("A28 a Buffer of 4 KiB and more owns its memory", () => {
		for (const chunks of [1, 2]) {
			const sink = new RecordingSink(ReplyMode.buffer);
			const decoder = createDecoder(name, sink);
			const wire = Buffer.from(`$4096\r\n${"x".repeat(4096)}\r\n`);
			for (let i = 0; i < chunks; i++) decoder.write(wire.subarray((i * wire.length) / chunks, ((i + 1) * wire.length) / chunks));
			expect((sink.replies[0] as Buffer).buffer.byteLength).toBe(4096);
		}
	});

	test("a sink that throws leaves the decoder unusable", () => {
		const failing = new RecordingSink();
		failing.reply = () => {
			throw new ProtocolError("nobody asked");
		};
		const decoder = createDecoder(name, failing);
		expect(() => decoder.write(Buffer.from("+OK\r\n"))).toThrow("nobody asked");
		expect(() => decoder.write(Buffer.from("+OK\r\n"))).toThrow(/unusable/);
	});

	test("a decoder refuses bytes from within its own callback", () => {
		const sink = new RecordingSink();
		const decoder = createDecoder(name, sink);
		sink.reply = () => decoder.write(Buffer.from(":1\r\n"));
		expect(() => decoder.write(Buffer.from("+OK\r\n"))).toThrow(ProtocolError);
	});

	test("an empty chunk changes nothing", () => {
		const sink = new RecordingSink();
		const decoder = createDecoder(name, sink);
		for (const part of ["", "+O", "", "K\r", "", "\n", ""]) decoder.write(Buffer.from(part));
		expect(sink.replies).toEqual(["OK"]);
	});
});

describe("RESP2 only", () => {
	test("A10 types of RESP3 other than null are refused on a RESP2 connection", () => {
		for (const wire of [
			"#t\r\n",
			",1\r\n",
			"(1\r\n",
			"!3\r\nERR\r\n",
			"=5\r\ntxt:a\r\n",
			"%0\r\n",
			"~0\r\n",
			">0\r\n",
			"|0\r\n",
			"$?\r\n",
			"*?\r\n",
			".\r\n",
			";0\r\n",
		]) {
			expect(refusal(wire, "resp2"), JSON.stringify(wire)).toBeInstanceOf(ProtocolError);
		}
	});
});

test("decoding starts no timer and keeps no process open", () => {
	const before = process.getActiveResourcesInfo();
	const decoder = createDecoder("resp2", new RecordingSink(ReplyMode.buffer));
	decoder.write(Buffer.from(`*2\r\n$200000\r\n${"x".repeat(100_000)}`));
	decoder.write(Buffer.from(`${"x".repeat(100_000)}\r\n:1\r\n`));
	expect(process.getActiveResourcesInfo()).toEqual(before);
});

test("pushes are decoded with Buffers whatever the mode of the reply around them", () => {
	const events = decodeEvents("*2\r\n$1\r\na\r\n>2\r\n+message\r\n$1\r\nx\r\n$1\r\nb\r\n");
	expect(events).toEqual([{ push: ["message", Buffer.from("x")] }, { reply: ["a", "b"] }]);
});

test("Resp3Decoder takes a plain Uint8Array view at its offset", () => {
	const sink = new RecordingSink(ReplyMode.buffer);
	const memory = new Uint8Array(Buffer.from("xx$3\r\nabc\r\nyy"));
	new Resp3Decoder(sink).write(memory.subarray(2, 11));
	expect(sink.replies).toEqual([Buffer.from("abc")]);
});
