import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ReplyError } from "../../../src/errors.js";
import { ReplyMode } from "../../../src/resp/reply.js";
import { bounded, countAllocations } from "../../fuzz/allocation.js";
import { decodeChunks } from "../../support/frames.js";

let undo: () => void;
beforeAll(() => {
	undo = countAllocations();
});
afterAll(() => undo());

const name = fc.constantFrom("resp3" as const, "resp2" as const);
const mode = fc.constantFrom(...Object.values(ReplyMode));
const announced = fc.oneof(
	fc.nat(2 ** 31 - 1),
	fc.constantFrom(255, 256, 257, 2 ** 24, 2 ** 29, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53),
);

test("A06 A09 A28 what a header announces is taken on its word up to 16 MiB, of elements up to 256", () => {
	const header = fc.tuple(fc.constantFrom(..."$*%~>|=!"), announced).map(([type, count]) => `${type}${count}\r\n`);
	const streamed = announced.map((count) => `$?\r\n;${count}\r\n`);
	fc.assert(
		fc.property(name, mode, fc.array(fc.oneof(header, streamed), { minLength: 1, maxLength: 12 }), (name, mode, headers) => {
			const wire = Buffer.from(headers.join(""));
			for (const chunks of [[wire], headers.map((text) => Buffer.from(text))])
				bounded(wire.length, () => decodeChunks(name, chunks, mode));
		}),
		{ numRuns: 1000 },
	);
});

test.each([
	"*256\r\n",
	"*4294967295\r\n",
	"~16777216\r\n",
	"%1000000\r\n+k\r\n",
	">256\r\n",
	"|256\r\n+k\r\n",
])("A08 A09 %j open as deep as is allowed takes 2 KiB for each at most", (header) => {
	const wire = Buffer.from(header.repeat(1024));
	const { thrown } = bounded(wire.length, () => decodeChunks("resp3", [wire]));
	expect(thrown).toBeUndefined();
});

test("A03 errors, for their bytes the largest values, keep no stack frames, by either decoder", () => {
	const wire = Buffer.from(`*100\r\n${"-\r\n".repeat(100)}`);
	for (const name of ["resp3", "resp2"] as const) {
		const [event] = decodeChunks(name, [wire]).events as [{ reply: ReplyError[] }];
		expect(event.reply).toHaveLength(100);
		for (const error of event.reply) expect(error.stack).not.toMatch(/\n\s+at /);
	}
});
