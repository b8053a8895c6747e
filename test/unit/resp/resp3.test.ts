import { describe, expect, test } from "vitest";
import { ClientError, ProtocolError, ReplyError } from "../../../src/errors.js";
import { Resp3Decoder } from "../../../src/resp/decode.js";
import { Decoder } from "../../../src/resp/index.js";
import { ReplyMode } from "../../../src/resp/reply.js";
import {
	byteByByte,
	bytesOf,
	decodeAll,
	decodeChunks,
	decodeEvents,
	decodeOne,
	RecordingSink,
	refusal,
	splittings,
} from "../../support/frames.js";

function refused(...wires: string[]): void {
	for (const wire of wires) expect(refusal(wire), JSON.stringify(wire)).toBeInstanceOf(ProtocolError);
}

test("A06 lengths of all types: -1 stands for null only after $ and *", () => {
	for (const type of ["!", "=", "%", "~", ">", "|"]) refused(`${type}-1\r\n`, `${type}-2\r\n`, `${type}x\r\n`, `${type}\r\n`);
	refused("!?\r\n", "=?\r\n", ">?\r\n", "|?\r\n", "$??\r\n", "*?1\r\n", "%4294967296\r\n", "*4294967296\r\n");
});

test("A08 every kind of nesting counts", () => {
	const wires = ["%1\r\n+a\r\n", "~1\r\n", "*?\r\n", "%?\r\n+k\r\n", ">1\r\n", "|1\r\n+a\r\n"];
	for (const open of wires) {
		const limit = { maxDepth: 3 };
		expect(refusal(`${open.repeat(3)}*0\r\n`, "resp3", ReplyMode.string, limit), open).toBeInstanceOf(ProtocolError);
		expect(decodeChunks("resp3", [Buffer.from(`${open.repeat(2)}*0\r\n`)], ReplyMode.string, limit).thrown, open).toBeUndefined();
	}
	expect(refusal("*1\r\n|1\r\n+a\r\n*0\r\n", "resp3", ReplyMode.string, { maxDepth: 2 })).toBeInstanceOf(ProtocolError);
});

test("A11 a boolean is t or f", () => {
	expect(decodeAll("#t\r\n#f\r\n*2\r\n#f\r\n#t\r\n")).toEqual([true, false, [false, true]]);
	refused("#\r\n", "#x\r\n", "#T\r\n", "#true\r\n", "#tt\r\n");
});

test("A12 doubles, with every spelling of infinity and NaN that servers print", () => {
	const cases: [string, number][] = [
		["3.14", 3.14],
		["10", 10],
		["1e300", 1e300],
		["1E+5", 1e5],
		["-1.5e-7", -1.5e-7],
		["+2", 2],
		["-0", -0],
		["0", 0],
		["5e-324", 5e-324],
		["0.10000000000000001", 0.1],
		["inf", Number.POSITIVE_INFINITY],
		["+inf", Number.POSITIVE_INFINITY],
		["-inf", Number.NEGATIVE_INFINITY],
		["INF", Number.POSITIVE_INFINITY],
		["nan", Number.NaN],
		["-nan", Number.NaN],
		["NAN", Number.NaN],
		["nan(0x8000000000000)", Number.NaN],
		["-NaN(snan)", Number.NaN],
	];
	for (const [text, value] of cases) expect(Object.is(decodeOne(`,${text}\r\n`), value), text).toBe(true);
});

test("A12 what is no double is refused", () => {
	refused(
		",\r\n",
		",x\r\n",
		",.5\r\n",
		",5.\r\n",
		",1e\r\n",
		",0x1\r\n",
		",1,5\r\n",
		", 1\r\n",
		",infinity\r\n",
		",--1\r\n",
		",1_0\r\n",
		",nan(\r\n",
	);
});

test("A13 a big number is a bigint; an invalid one costs that value only", () => {
	expect(decodeOne("(3492890328409238509324850943850943825024385\r\n")).toBe(3492890328409238509324850943850943825024385n);
	expect(decodeAll("(-5\r\n(+5\r\n(0\r\n")).toEqual([-5n, 5n, 0n]);
	for (const text of ["12x", "", "-", "1.5", "0x10", " 1", "9".repeat(10_001)]) {
		const sink = new RecordingSink();
		new Resp3Decoder(sink).write(Buffer.from(`*2\r\n(${text}\r\n:1\r\n+OK\r\n`));
		const [first, second] = sink.replies as [unknown[], unknown];
		expect(first[0]).toBeInstanceOf(ClientError);
		expect(first[0]).toMatchObject({ code: "PROTOCOL" });
		expect(first[1]).toBe(1);
		expect(second).toBe("OK");
	}
});

test("A14 a bulk error is driven by its length and may contain CRLF", () => {
	for (const mode of [ReplyMode.string, ReplyMode.buffer]) {
		const error = decodeOne("!21\r\nSYNTAX invalid\r\ninput\r\n", "resp3", mode);
		expect(error).toBeInstanceOf(ReplyError);
		expect(error).toMatchObject({ code: "SYNTAX", message: "SYNTAX invalid\r\ninput" });
	}
	expect(decodeAll("*1\r\n!0\r\n\r\n")).toMatchObject([[{ message: "" }]]);
	refused("!3\r\nERRx\r\n");
});

test("A15 a verbatim string loses its format, unless asked for raw", () => {
	expect(decodeOne("=15\r\ntxt:Some string\r\n")).toBe("Some string");
	expect(decodeOne("=4\r\nmkd:\r\n")).toBe("");
	expect(decodeOne("=7\r\nx\xff0:a\r\n\r\n")).toBe("a\r\n");
	expect(decodeOne("=7\r\ntxt:abc\r\n", "resp3", ReplyMode.buffer)).toEqual(Buffer.from("abc"));
	expect(decodeOne("=7\r\ntxt:abc\r\n", "resp3", ReplyMode.string, { rawVerbatim: true })).toBe("txt:abc");
	refused("=3\r\ntxt\r\n", "=0\r\n\r\n", "=5\r\ntxt-a\r\n", "=-1\r\n");
});

test("A16 a map keeps keys of every type, in order, and the last of two equal ones", () => {
	expect(decodeOne("%4\r\n+__proto__\r\n:1\r\n+constructor\r\n:2\r\n$1\r\n2\r\n:3\r\n$1\r\n1\r\n:4\r\n")).toEqual(
		new Map([
			["__proto__", 1],
			["constructor", 2],
			["2", 3],
			["1", 4],
		]),
	);
	expect(decodeOne("%3\r\n:1\r\n+a\r\n*1\r\n:2\r\n_\r\n_\r\n%1\r\n:3\r\n:4\r\n")).toEqual(
		new Map<unknown, unknown>([
			[1, "a"],
			[[2], null],
			[null, new Map([[3, 4]])],
		]),
	);
	expect(decodeOne("%2\r\n+k\r\n:1\r\n+k\r\n:2\r\n")).toEqual(new Map([["k", 2]]));
	expect(decodeOne("%0\r\n")).toEqual(new Map());
});

test("A17 a set is an array, duplicates included", () => {
	expect(decodeOne("~4\r\n+a\r\n:1\r\n+a\r\n~0\r\n")).toEqual(["a", 1, "a", []]);
});

test("A18 attributes are skipped before any value, at any depth, and before keys, pushes and other attributes", () => {
	const attribute = "|1\r\n+key-popularity\r\n%2\r\n$1\r\na\r\n,0.1923\r\n$1\r\nb\r\n*1\r\n>1\r\n+inner\r\n";
	const wire = `${attribute}*3\r\n:1\r\n${attribute}:2\r\n${attribute}${attribute}%1\r\n${attribute}+k\r\n${attribute}+v\r\n${attribute}>1\r\n+p\r\n|0\r\n+OK\r\n`;
	const events = decodeEvents(wire.replaceAll(">1\r\n+inner\r\n", "+inner\r\n"));
	expect(events).toEqual([{ reply: [1, 2, new Map([["k", "v"]])] }, { push: ["p"] }, { reply: "OK" }]);
});

test("A18 attributes are handed over when asked for, before their value", () => {
	const seen: unknown[] = [];
	const decoder = new Decoder({
		replyType: "string",
		onReply: (reply) => seen.push(reply),
		onAttribute: (attribute) => seen.push(attribute),
	});
	decoder.write(Buffer.from("|1\r\n+ttl\r\n:3600\r\n*2\r\n:1\r\n|1\r\n$1\r\na\r\n$1\r\nb\r\n:2\r\n"));
	expect(seen).toEqual([new Map([["ttl", 3600]]), new Map([["a", "b"]]), [1, 2]]);
});

test("A19 pushes before, between and after replies are no replies", () => {
	const push = ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n";
	const events = decodeEvents(`${push}+OK\r\n${push}${push}:1\r\n>0\r\n>1\r\n+x\r\n>3\r\n+message\r\n_\r\n#t\r\n`);
	const invalidate = { push: [Buffer.from("invalidate"), [Buffer.from("k")]] };
	expect(events).toEqual([
		invalidate,
		{ reply: "OK" },
		invalidate,
		invalidate,
		{ reply: 1 },
		{ push: [] },
		{ push: ["x"] },
		{ push: ["message", null, true] },
	]);
});

test("A19 a push does not ask for the mode of a reply", () => {
	const sink = new RecordingSink();
	new Resp3Decoder(sink).write(Buffer.from(">1\r\n+a\r\n|1\r\n+k\r\n+v\r\n>1\r\n+b\r\n"));
	expect(sink.modesAsked).toBe(0);
});

test("A20 a push inside an aggregate is handed over and not counted", () => {
	const push = ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n";
	const pushed = { push: [Buffer.from("message"), Buffer.from("c"), Buffer.from("m")] };
	expect(decodeEvents(`*2\r\n${push}:1\r\n${push}%1\r\n${push}+k\r\n${push}*0\r\n`)).toEqual([
		pushed,
		pushed,
		pushed,
		pushed,
		{ reply: [1, new Map([["k", []]])] },
	]);
	expect(decodeEvents(`>2\r\n+a\r\n${push}+b\r\n`)).toEqual([pushed, { push: ["a", "b"] }]);
});

test("A21 a streamed string is put together from its parts, also when one ends inside a character", () => {
	const parts = "$?\r\n;1\r\n\xc3\r\n;3\r\n\xa9ab\r\n;0\r\n";
	expect(decodeOne(bytesOf(parts))).toBe("éab");
	expect(decodeOne(bytesOf(parts), "resp3", ReplyMode.buffer)).toEqual(Buffer.from("éab"));
	expect(decodeAll("$?\r\n;0\r\n*2\r\n$?\r\n;2\r\n\r\n\r\n;0\r\n:1\r\n")).toEqual(["", ["\r\n", 1]]);
});

test("A21 a streamed string is bounded, and nothing but its parts may come before its end", () => {
	expect(refusal("$?\r\n;6\r\nabcdef\r\n;5\r\nabcde\r\n;0\r\n", "resp3", ReplyMode.string, { maxBulkBytes: 10 })).toBeInstanceOf(
		ProtocolError,
	);
	refused(
		"$?\r\n+OK\r\n",
		"$?\r\n$1\r\na\r\n",
		"$?\r\n:1\r\n",
		"$?\r\n>1\r\n+a\r\n",
		"$?\r\n;-1\r\n",
		"$?\r\n;?\r\n",
		"$?\r\n;x\r\n",
		"$?\r\n_\r\n",
	);
	refused(";1\r\na\r\n", ";0\r\n", "*1\r\n;0\r\n", "$?\r\n;0\r\n;0\r\n");
});

test("A22 streamed aggregates end at their dot, and nest with everything else", () => {
	expect(decodeOne("*?\r\n:1\r\n~?\r\n+a\r\n.\r\n%?\r\n+k\r\n*1\r\n:2\r\n.\r\n.\r\n")).toEqual([1, ["a"], new Map([["k", [2]]])]);
	expect(decodeAll("*?\r\n.\r\n%?\r\n.\r\n~?\r\n.\r\n")).toEqual([[], new Map(), []]);
	expect(decodeEvents("*?\r\n|1\r\n+a\r\n+b\r\n:1\r\n>1\r\n+p\r\n.\r\n")).toEqual([{ push: ["p"] }, { reply: [1] }]);
});

test("A22 a dot where no streamed aggregate is open, or between key and value, is refused", () => {
	refused(".\r\n", "*1\r\n.\r\n", "*?\r\n*1\r\n.\r\n", "%?\r\n+k\r\n.\r\n", "%1\r\n.\r\n", "*?\r\n.x\r\n", "*?\r\n>1\r\n.\r\n");
});

test("A30 lines of RESP3 types are limited too", () => {
	for (const type of ["%", "~", ">", "|", "!", "=", "#", "_", "."]) refused(`${type}${"1".repeat(33)}`);
	for (const type of [",", "("]) {
		const decoder = new Resp3Decoder(new RecordingSink());
		expect(() => {
			for (let i = 0; i < 20; i++) decoder.write(Buffer.from((i === 0 ? type : "") + "1".repeat(65536)));
		}).toThrow(ProtocolError);
	}
});

test("A01 a reply with every type gives the same whole, byte by byte, in two at every position and in three", () => {
	const wire = bytesOf(
		"%2\r\n$5\r\nh\xc3\xa9\r\n\r\n*12\r\n:1\r\n-ERR x\r\n,1.5\r\n(99999999999999999999\r\n#t\r\n_\r\n$-1\r\n=8\r\ntxt:\xf0\x9f\x98\x80\r\n!3\r\nE a\r\n~1\r\n:9007199254740993\r\n" +
			"|1\r\n+a\r\n>1\r\n+in\r\n+v\r\n$?\r\n;2\r\n\xf0\x9f\r\n;2\r\n\x98\x80\r\n;0\r\n*?\r\n+x\r\n.\r\n>2\r\n+push\r\n$1\r\nb\r\n+k\r\n:-5\r\n",
	);
	const events = decodeEvents(wire);
	expect(events).toHaveLength(3);
	for (let a = 1; a < wire.length; a += 3) {
		for (let b = a + 1; b < wire.length; b += 5) {
			expect(decodeChunks("resp3", [wire.subarray(0, a), wire.subarray(a, b), wire.subarray(b)]).events).toEqual(events);
		}
	}
});

describe("Decoder", () => {
	test.each([
		"string",
		"buffer",
	] as const)("replyType %s decides bulk strings of replies, pushes and attributes alike", (replyType) => {
		const seen: unknown[] = [];
		const take = (value: unknown): void => void seen.push(value);
		const text = (value: string): string | Buffer => (replyType === "string" ? value : Buffer.from(value));
		for (const chunks of splittings(Buffer.from("|1\r\n$1\r\na\r\n:1\r\n*2\r\n$1\r\nb\r\n>1\r\n$1\r\nc\r\n+d\r\n"))) {
			seen.length = 0;
			const decoder = new Decoder({ replyType, onReply: take, onPush: take, onAttribute: take });
			for (const chunk of chunks) decoder.write(chunk);
			expect(seen).toEqual([new Map([[text("a"), 1]]), [text("c")], [text("b"), "d"]]);
		}
	});

	test("without onPush and onAttribute both are read past", () => {
		const replies: unknown[] = [];
		const decoder = new Decoder({ replyType: "string", onReply: (reply) => replies.push(reply) });
		for (const byte of byteByByte(
			Buffer.from(">1\r\n+a\r\n|1\r\n$1\r\na\r\n%1\r\n+x\r\n$100\r\n".concat("y".repeat(100), "\r\n+OK\r\n")),
		))
			decoder.write(byte);
		expect(replies).toEqual(["OK"]);
	});

	test("a callback that throws does not disturb it: write throws the first error after the chunk was decoded", () => {
		const replies: unknown[] = [];
		const decoder = new Decoder({
			replyType: "string",
			onReply: (reply) => {
				replies.push(reply);
				if (reply !== "OK") throw new Error(`no ${reply}`);
			},
		});
		expect(() => decoder.write(Buffer.from("*1\r\n:1\r\n:2\r\n+OK\r\n+O"))).toThrow("no 1");
		decoder.write(Buffer.from("K\r\n"));
		expect(replies).toEqual([[1], 2, "OK", "OK"]);
	});

	test("options are validated, with the field named", () => {
		const onReply = (): void => {};
		const bad: [string, object][] = [
			["onReply", { replyType: "string" }],
			["replyType", { onReply }],
			["replyType", { onReply, replyType: "text" }],
			["onPush", { onReply, replyType: "string", onPush: 1 }],
			["onAttribute", { onReply, replyType: "string", onAttribute: {} }],
			["verbatim", { onReply, replyType: "string", verbatim: "x" }],
			["maxBulkBytes", { onReply, replyType: "string", maxBulkBytes: -1 }],
			["maxDepth", { onReply, replyType: "string", maxDepth: 1.5 }],
		];
		for (const [field, options] of bad) {
			expect(() => new Decoder(options as never)).toThrow(expect.objectContaining({ code: "INVALID_OPTION", field }));
		}
	});

	test("verbatim, maxBulkBytes and maxDepth reach the decoder", () => {
		const replies: unknown[] = [];
		const create = (): Decoder<"string"> =>
			new Decoder({
				replyType: "string",
				onReply: (reply) => replies.push(reply),
				verbatim: "raw",
				maxBulkBytes: 5,
				maxDepth: 1,
			});
		create().write(Buffer.from("=5\r\ntxt:a\r\n"));
		expect(replies).toEqual(["txt:a"]);
		expect(() => create().write(Buffer.from("$6\r\n"))).toThrow(ProtocolError);
		expect(() => create().write(Buffer.from("*1\r\n*0\r\n"))).toThrow(ProtocolError);
	});
});
