import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../src/errors.js";
import { ReplyMode } from "../../../src/resp/reply.js";
import { comparable, cut, type DecoderName, decodeChunks } from "../../support/frames.js";

const line = fc.string({ unit: fc.constantFrom("a", "Z", "0", " ", "é", "😀", ":", "$"), maxLength: 12 });
const bytes = fc.oneof(
	fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)),
	fc.nat(9000).map((length) => Buffer.alloc(length, "v")),
	fc.constantFrom("\r\n", "$-1\r\n", "+OK\r\n", "*2\r\n", "é").map((text) => Buffer.from(text)),
);
const integer = fc.oneof(fc.integer().map(BigInt), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));

const { frame: resp2 } = fc.letrec<{ frame: Buffer }>((tie) => ({
	frame: fc.oneof(
		{ maxDepth: 4, depthSize: "small" },
		line.map((text) => Buffer.from(`+${text}\r\n`)),
		line.map((text) => Buffer.from(`-ERR ${text}\r\n`)),
		fc.tuple(integer, fc.boolean()).map(([value, plus]) => Buffer.from(`:${plus && value >= 0n ? "+" : ""}${value}\r\n`)),
		fc.constantFrom("$-1\r\n", "*-1\r\n", "_\r\n", "+OK\r\n", "*0\r\n", "$0\r\n\r\n").map((text) => Buffer.from(text)),
		bytes.map((body) => Buffer.concat([Buffer.from(`$${body.length}\r\n`), body, Buffer.from("\r\n")])),
		fc.array(tie("frame"), { maxLength: 6 }).map((items) => Buffer.concat([Buffer.from(`*${items.length}\r\n`), ...items])),
	),
}));

const stream = fc.array(resp2, { minLength: 1, maxLength: 8 }).map((frames) => Buffer.concat(frames));
const positions = fc.array(fc.nat(40_000), { maxLength: 8 });
const mode = fc.constantFrom(...Object.values(ReplyMode));

/** One byte changed, removed, doubled or inserted, or the end missing. */
const damaged = fc
	.tuple(stream, fc.nat(), fc.constantFrom("change", "remove", "double", "insert"), fc.constantFrom(..."\r\n0159-+:$*?x_%\0\xff"))
	.map(([wire, place, kind, byte]) => {
		const at = place % wire.length;
		const insert = Buffer.from(byte, "latin1");
		if (kind === "change") return Buffer.concat([wire.subarray(0, at), insert, wire.subarray(at + 1)]);
		if (kind === "remove") return Buffer.concat([wire.subarray(0, at), wire.subarray(at + 1)]);
		if (kind === "double") return Buffer.concat([wire.subarray(0, at + 1), wire.subarray(at)]);
		return Buffer.concat([wire.subarray(0, at), insert, wire.subarray(at)]);
	});

function outcome(name: DecoderName, wire: Buffer, at: number[], mode: ReplyMode): unknown {
	const { events, thrown } = decodeChunks(name, cut(wire, ...at), mode);
	if (thrown !== undefined && !(thrown instanceof ProtocolError)) throw thrown;
	return {
		events: events.map((event) => Object.entries(event).map(([kind, value]) => [kind, comparable(value)])),
		refused: thrown !== undefined,
	};
}

describe.each(["resp3", "resp2"] as const)("%s", (name) => {
	test("A01 replies do not depend on where the bytes are cut", () => {
		fc.assert(
			fc.property(stream, positions, mode, (wire, at, mode) => {
				expect(outcome(name, wire, at, mode)).toEqual(outcome(name, wire, [], mode));
			}),
			{ numRuns: 400 },
		);
	});
});

test("A01 A25 both decoders read every legal RESP2 frame alike", () => {
	fc.assert(
		fc.property(stream, positions, mode, (wire, at, mode) => {
			const own = outcome("resp3", wire, at, mode) as { refused: boolean };
			expect(outcome("resp2", wire, at, mode)).toEqual(own);
			expect(own.refused).toBe(false);
		}),
		{ numRuns: 600 },
	);
});

/** Damage can turn a frame into one of RESP3, which only one of them reads. */
const RESP3_TYPES = /[#,(!=%~>|.;?]/;

test("A06 A25 both decoders refuse the same damaged frames, after the same replies", () => {
	fc.assert(
		fc.property(damaged, positions, mode, (wire, at, mode) => {
			const own = outcome("resp3", wire, at, mode);
			if (RESP3_TYPES.test(wire.toString("latin1"))) return;
			expect(outcome("resp2", wire, at, mode)).toEqual(own);
		}),
		{ numRuns: 3000 },
	);
});

test("A25 arbitrary bytes give replies or a ProtocolError, never another error", () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 60 }), positions, mode, (wire, at, mode) => {
			for (const name of ["resp3", "resp2"] as const) outcome(name, Buffer.from(wire), at, mode);
		}),
		{ numRuns: 1000 },
	);
	const frameish = fc.string({ unit: fc.constantFrom(..."$*%~>|;.:+-,(#_=!?012t\r\n".split(""), "\r\n", "\r\n"), maxLength: 60 });
	fc.assert(
		fc.property(frameish, positions, mode, (wire, at, mode) => {
			for (const name of ["resp3", "resp2"] as const) {
				expect(outcome(name, Buffer.from(wire), at, mode)).toEqual(expect.objectContaining({}));
			}
		}),
		{ numRuns: 3000 },
	);
});
