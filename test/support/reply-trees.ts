/** Legal replies of any shape, for properties: their bytes, and what a decoder has to make of them in each mode. */
import fc, { type Arbitrary } from "fast-check";
import { ReplyError } from "../../src/errors.js";
import type { Reply } from "../../src/resp/reply.js";

export interface ReplyTree {
	wire: Buffer;
	/** As it reads in mode `string`, and in mode `buffer`. */
	text: Reply;
	bytes: Reply;
}

const alike = (wire: string, value: Reply): ReplyTree => ({ wire: Buffer.from(wire), text: value, bytes: value });

const line = fc.string({ unit: fc.constantFrom("a", "Z", "0", " ", "é", "😀", ":", "$", "\0"), maxLength: 16 });
const integer = fc.oneof(
	fc.integer().map(BigInt),
	fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
	fc.constantFrom(2n ** 53n, 2n ** 53n - 1n, -(2n ** 53n)),
);
const body = fc.oneof(
	fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)),
	fc.nat(9000).map((length) => Buffer.alloc(length, "vé")),
	fc.constantFrom("", "\r\n", "$-1\r\n", "+OK\r\n", "*2\r\n", "é").map((text) => Buffer.from(text)),
);

const exact = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value);
const bulk = (bytes: Buffer): ReplyTree => ({ wire: framed("$", bytes), text: bytes.toString(), bytes });

function framed(type: string, bytes: Buffer): Buffer {
	return Buffer.concat([Buffer.from(`${type}${bytes.length}\r\n`), bytes, Buffer.from("\r\n")]);
}

function list(type: string, items: readonly ReplyTree[]): ReplyTree {
	return {
		wire: Buffer.concat([Buffer.from(`${type}${items.length}\r\n`), ...items.map(({ wire }) => wire)]),
		text: items.map(({ text }) => text),
		bytes: items.map(({ bytes }) => bytes),
	};
}

function map(entries: readonly (readonly [ReplyTree, ReplyTree])[]): ReplyTree {
	return {
		wire: Buffer.concat([Buffer.from(`%${entries.length}\r\n`), ...entries.flatMap(([key, value]) => [key.wire, value.wire])]),
		text: new Map(entries.map(([key, value]) => [key.text, value.text])),
		bytes: new Map(entries.map(([key, value]) => [key.bytes, value.bytes])),
	};
}

const RESP2_LEAVES: Arbitrary<ReplyTree>[] = [
	line.map((text) => alike(`+${text}\r\n`, text)),
	line.map((text) => alike(`-ERR ${text}\r\n`, new ReplyError(`ERR ${text}`))),
	fc.tuple(integer, fc.boolean()).map(([value, plus]) => alike(`:${plus && value >= 0n ? "+" : ""}${value}\r\n`, exact(value))),
	fc.constantFrom("$-1\r\n", "*-1\r\n").map((wire) => alike(wire, null)),
	body.map(bulk),
];

const RESP3_LEAVES: Arbitrary<ReplyTree>[] = [
	fc.constant(alike("_\r\n", null)),
	fc.boolean().map((value) => alike(`#${value ? "t" : "f"}\r\n`, value)),
	fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => alike(`,${Object.is(value, -0) ? "-0" : value}\r\n`, value)),
	fc
		.constantFrom<[string, number]>(["inf", Number.POSITIVE_INFINITY], ["-inf", Number.NEGATIVE_INFINITY], ["nan", Number.NaN])
		.map(([wire, value]) => alike(`,${wire}\r\n`, value)),
	fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }).map((value) => alike(`(${value}\r\n`, value)),
	line.map((text) => ({ ...alike("", new ReplyError(`ERR ${text}`)), wire: framed("!", Buffer.from(`ERR ${text}`)) })),
	body.map((bytes) => ({ ...bulk(bytes), wire: framed("=", Buffer.concat([Buffer.from("txt:"), bytes])) })),
	fc
		.array(
			body.filter(({ length }) => length > 0),
			{ maxLength: 4 },
		)
		.map((parts) => ({
			...bulk(Buffer.concat(parts)),
			wire: Buffer.concat([Buffer.from("$?\r\n"), ...parts.map((part) => framed(";", part)), Buffer.from(";0\r\n")]),
		})),
];

const SHAPE = { maxDepth: 4, depthSize: "small", withCrossShrink: true } as const;

export const resp2Tree: Arbitrary<ReplyTree> = fc.letrec<{ tree: ReplyTree }>((tie) => ({
	tree: fc.oneof(
		SHAPE,
		...RESP2_LEAVES,
		fc.array(tie("tree"), { maxLength: 6 }).map((items) => list("*", items)),
	),
})).tree;

export const resp3Tree: Arbitrary<ReplyTree> = fc.letrec<{ tree: ReplyTree }>((tie) => ({
	tree: fc.oneof(
		SHAPE,
		...RESP2_LEAVES,
		...RESP3_LEAVES,
		fc.array(tie("tree"), { maxLength: 6 }).map((items) => list("*", items)),
		fc.array(tie("tree"), { maxLength: 4 }).map((items) => list("~", items)),
		fc.array(fc.tuple(tie("tree"), tie("tree")), { maxLength: 4 }).map(map),
		// An attribute is read past, wherever it stands.
		fc.tuple(tie("tree"), tie("tree")).map(([attribute, value]) => ({
			...value,
			wire: Buffer.concat([Buffer.from("|1\r\n+a\r\n"), attribute.wire, value.wire]),
		})),
	),
})).tree;
