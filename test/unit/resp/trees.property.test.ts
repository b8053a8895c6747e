import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ReplyMode } from "../../../src/resp/reply.js";
import { byteByByte, comparable, cut, type DecoderName, decodeChunks } from "../../support/frames.js";
import { type ReplyTree, resp2Tree, resp3Tree } from "../../support/reply-trees.js";

const positions = fc.array(fc.nat(20_000), { minLength: 1, maxLength: 8 });
/** The decoder by itself takes a reply to pieces of one byte, which is slow for the longest. */
const MAX_SINGLE_BYTES = 3000;

function check(names: readonly DecoderName[], trees: readonly ReplyTree[], at: readonly number[]): void {
	const wire = Buffer.concat(trees.map((tree) => tree.wire));
	const splittings = [[wire], cut(wire, ...at), ...(wire.length <= MAX_SINGLE_BYTES ? [byteByByte(wire)] : [])];
	for (const [mode, wanted] of [
		[ReplyMode.string, trees.map(({ text }) => text)],
		[ReplyMode.buffer, trees.map(({ bytes }) => bytes)],
	] as const) {
		const expected = { thrown: undefined, replies: wanted.map(comparable) };
		for (const name of names) {
			for (const chunks of splittings) {
				const { events, thrown } = decodeChunks(name, chunks, mode);
				expect({ thrown, replies: events.map((event) => comparable(Object.values(event)[0])) }).toEqual(expected);
			}
		}
	}
}

describe("replies of any shape are read for what they say, whole, cut anywhere and byte by byte, as text and as bytes", () => {
	test("A01 A03 A07 RESP2, by both decoders", () => {
		fc.assert(
			fc.property(fc.array(resp2Tree, { minLength: 1, maxLength: 4 }), positions, (trees, at) =>
				check(["resp3", "resp2"], trees, at),
			),
			{ numRuns: 200 },
		);
	});

	test("A01 A10 A21 RESP3, with attributes anywhere", () => {
		fc.assert(
			fc.property(fc.array(resp3Tree, { minLength: 1, maxLength: 4 }), positions, (trees, at) => check(["resp3"], trees, at)),
			{ numRuns: 300 },
		);
	});
});
