/** Damage to bytes. Pure: what is drawn from `random` decides everything. */
import type { Random } from "../support/random.js";

/** Longer inputs are cut off: a duplicate of a duplicate soon has no end. */
export const MAX_INPUT_BYTES = 256 * 1024;

const CR = 13;
const LF = 10;
const TYPES = Buffer.from("+-:$*_#,(!=%~>|;.");
/** What parsers break on: bounds of their own, of integers and of V8, and what only looks like a number. */
const NUMBERS = [
	..."-1 -2 0 1 2 3 7 255 256 257 1023 1024 1025 4095 4096 16383 16384 32767 32768 65535 65536 65537 1000000".split(" "),
	..."16777215 16777216 16777217 536870888 536870912 536870913 2147483647 2147483648 4294967295 4294967296".split(" "),
	..."9007199254740991 9007199254740993 9223372036854775807 9223372036854775808 -9223372036854775809".split(" "),
	..."18446744073709551616 99999999999999999999 1e3 1e999 0x10 5a +1 -0 007 00000000000000000001 ? nan inf -inf 1.5".split(" "),
	"",
	" 5",
	"9".repeat(33),
	"9".repeat(400),
].map((text) => Buffer.from(text));
const LINE_ENDS = ["", "\r", "\n", "\n\r", "\r\r\n", "\r\n\r\n", "\r\0\n"].map((text) => Buffer.from(text));
const HEADERS = [
	"*1\r\n",
	"*2\r\n",
	"*256\r\n",
	"~1\r\n",
	"%1\r\n+k\r\n",
	"|1\r\n+k\r\n",
	">1\r\n",
	"*?\r\n",
	"%?\r\n+k\r\n",
	"$?\r\n;",
].map((text) => Buffer.from(text));

type Mutation = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

function replace(bytes: Buffer, from: number, to: number, by: Uint8Array): Buffer {
	return Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(to)]);
}

/** A part of up to `most` bytes. */
function range(bytes: Buffer, random: Random, most: number): [number, number] {
	const from = random.below(bytes.length);
	return [from, Math.min(bytes.length, from + random.between(1, most))];
}

function isDigit(byte: number | undefined): boolean {
	return byte !== undefined && byte >= 48 && byte <= 57;
}

const flipBit: Mutation = (bytes, random) => {
	const copy = Buffer.from(bytes);
	const at = random.below(copy.length);
	copy[at] = (copy[at] as number) ^ (1 << random.below(8));
	return copy;
};

const insertBytes: Mutation = (bytes, random) => {
	const at = random.below(bytes.length + 1);
	return replace(bytes, at, at, Buffer.from(Array.from({ length: random.between(1, 3) }, () => random.below(256))));
};

const deleteRange: Mutation = (bytes, random) => {
	const [from, to] = range(bytes, random, 16);
	return replace(bytes, from, to, LINE_ENDS[0] as Buffer);
};

const duplicateRange: Mutation = (bytes, random) => {
	const [from, to] = range(bytes, random, 64);
	return replace(bytes, to, to, bytes.subarray(from, to));
};

const truncate: Mutation = (bytes, random) => bytes.subarray(0, random.between(1, bytes.length));

const splice: Mutation = (bytes, random, other) =>
	Buffer.concat([bytes.subarray(0, random.below(bytes.length + 1)), other.subarray(random.below(other.length))]);

const append: Mutation = (bytes, _random, other) => Buffer.concat([bytes, other]);

/** The next digits from a random place on, lengths and counts among them, become another number. */
const tamperNumber: Mutation = (bytes, random) => {
	let from = random.below(bytes.length);
	while (from < bytes.length && !isDigit(bytes[from])) from++;
	if (from === bytes.length) return bytes;
	while (isDigit(bytes[from - 1])) from--;
	let to = from;
	while (isDigit(bytes[to])) to++;
	if (random.below(2) === 0) return replace(bytes, from, to, random.pick(NUMBERS));
	const near = Number(bytes.toString("latin1", from, to)) + random.between(-2, 2);
	return replace(bytes, from, to, Buffer.from(String(near)));
};

const tamperLineEnd: Mutation = (bytes, random) => {
	const at = bytes.indexOf("\r\n", random.below(bytes.length));
	return at === -1 ? bytes : replace(bytes, at, at + 2, random.pick(LINE_ENDS));
};

/** A byte behind the end of a line is mostly the type of a frame. */
const swapType: Mutation = (bytes, random) => {
	const copy = Buffer.from(bytes);
	const lf = copy.indexOf(LF, random.below(copy.length));
	copy[lf === -1 || lf + 1 === copy.length ? 0 : lf + 1] = random.pick([...TYPES]);
	return copy;
};

const strayLineEnd: Mutation = (bytes, random) => {
	const copy = Buffer.from(bytes);
	copy[random.below(copy.length)] = random.below(2) === 0 ? CR : LF;
	return copy;
};

const wrap: Mutation = (bytes, random) => Buffer.concat([random.pick(HEADERS), bytes]);

/** Around the depth that is allowed, and beyond it. */
const nest: Mutation = (bytes, random) => {
	const header = random.pick(HEADERS);
	const depth = random.below(8) === 0 ? random.between(1000, 1100) : random.between(2, 40);
	return Buffer.concat([...Array.from({ length: depth }, () => header), bytes]);
};

const MUTATIONS: readonly Mutation[] = [
	flipBit,
	insertBytes,
	deleteRange,
	duplicateRange,
	truncate,
	splice,
	append,
	tamperNumber,
	tamperNumber,
	tamperNumber,
	tamperLineEnd,
	swapType,
	swapType,
	strayLineEnd,
	wrap,
];
/** In one of so many inputs: those that are deep cost as much as a hundred others. */
const NEST_EVERY = 64;

/** One seed, damaged some times; one in sixty-four is left as it is. */
export function mutate(seeds: readonly Buffer[], random: Random): Buffer {
	let bytes = random.pick(seeds);
	if (random.below(64) === 0) return bytes;
	if (random.below(NEST_EVERY) === 0) bytes = nest(bytes, random, bytes);
	do {
		if (bytes.length === 0) return bytes;
		bytes = random.pick(MUTATIONS)(bytes, random, random.pick(seeds));
	} while (random.below(3) !== 0);
	return bytes.subarray(0, MAX_INPUT_BYTES);
}
