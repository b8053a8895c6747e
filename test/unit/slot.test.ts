import { existsSync, readFileSync } from "node:fs";
import calculateSlot from "cluster-key-slot";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ClientError } from "../../src/errors.js";
import { keySlot, SLOT_COUNT } from "../../src/slot.js";

/** Every row was answered by `CLUSTER KEYSLOT` of a Redis 7.0.15 server. */
const tagVectors: [string, number][] = [
	["", 0],
	["123456789", 12739],
	["foo", 12182],
	["bar", 5061],
	["{foo}", 12182],
	["{}foo", 9500],
	["foo{}{bar}", 8363],
	["foo{{bar}}zap", 4015],
	["foo{bar}{zap}", 5061],
	["foo{bar", 15278],
	["{}}", 14790],
	["{}a}", 4370],
	["{", 4092],
	["{}", 15257],
	["}{", 12793],
	["a}b{c}", 7365],
	["{a}{b}", 15495],
	["a\r\nb", 3608],
];

const textVectors: [string, number][] = [
	["ключ", 10303],
	["日本", 10949],
	["😀", 2959],
	["{😀}x", 2959],
];

const byteVectors: [string, number][] = [
	["ff00", 1023],
	["7bff7d6b", 7920],
	["c3bf00", 12692],
	["efbfbd00", 10907],
];

/** cluster-key-slot takes a later `}` as the end of an empty tag; the server does not (`{}}` above). Such keys are left out. */
const emptyTagThenBrace = /^[^{]*\{\}.*\}/s;

describe("keySlot", () => {
	test.each(tagVectors)("D01 slot of %j is %i", (key, slot) => {
		expect(keySlot(key)).toBe(slot);
		expect(keySlot(Buffer.from(key))).toBe(slot);
	});

	test.each(textVectors)("D02 slot of %j is %i, the slot of its UTF-8 bytes", (key, slot) => {
		expect(keySlot(key)).toBe(slot);
		expect(keySlot(Buffer.from(key))).toBe(slot);
	});

	test.each(byteVectors)("D02 slot of the bytes %s is %i", (hex, slot) => {
		expect(keySlot(Buffer.from(hex, "hex"))).toBe(slot);
		expect(keySlot(new Uint8Array(Buffer.from(hex, "hex")))).toBe(slot);
	});

	test("D02 a view is hashed within its own bounds", () => {
		const backing = Buffer.from("{x}foo{y}");
		expect(keySlot(new Uint8Array(backing.buffer, backing.byteOffset + 3, 3))).toBe(12182);
	});

	test("D01 D02 agrees with cluster-key-slot on any well-formed string and any bytes", () => {
		const alphabet = fc.constantFrom("{", "}", "a", "b", "é", "ключ", "日", "😀", "\0", "\r\n");
		const text = fc.oneof(
			fc.string({ unit: "binary" }),
			fc.array(alphabet, { maxLength: 12 }).map((parts) => parts.join("")),
		);
		fc.assert(
			fc.property(text, (key) => {
				fc.pre(!emptyTagThenBrace.test(key));
				// The reference is handed bytes only: it has its own idea of UTF-16.
				expect(keySlot(key)).toBe(calculateSlot(Buffer.from(key)));
			}),
			{ numRuns: 2000 },
		);
		const bytes = fc.array(fc.oneof(fc.constantFrom(0x7b, 0x7d), fc.integer({ min: 0, max: 255 })), { maxLength: 40 });
		fc.assert(
			fc.property(bytes, (key) => {
				fc.pre(!emptyTagThenBrace.test(Buffer.from(key).toString("latin1")));
				expect(keySlot(Uint8Array.from(key))).toBe(calculateSlot(Buffer.from(key)));
			}),
			{ numRuns: 2000 },
		);
	});

	test("D01 a slot lies below SLOT_COUNT and every key of a tag shares it", () => {
		fc.assert(
			fc.property(fc.string({ minLength: 1 }), fc.string(), (tag, rest) => {
				fc.pre(!tag.includes("}"));
				const slot = keySlot(`{${tag}}${rest}`);
				expect(slot).toBeGreaterThanOrEqual(0);
				expect(slot).toBeLessThan(SLOT_COUNT);
				expect(slot).toBe(keySlot(`{${tag}}`));
			}),
		);
	});

	test.each([
		"\ud800",
		"a\udc00",
		"{a}\ud800",
		"\udc00{a}",
		"{\ud800}",
		"é\ud83d",
	])("B06 a lone surrogate is refused: %j", (key) => {
		expect(() => keySlot(key)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", index: 0 }));
	});

	test.each([[undefined], [null], [1], [{}], [["a"]]])("B05 %j is no key", (key) => {
		expect(() => keySlot(key as never)).toThrow(ClientError);
		expect(() => keySlot(key as never)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
	});
});

const recorded = new URL("../../fixtures/recorded/slot-vectors.json", import.meta.url);
const recordedAtRoot = new URL("../../fixtures/slot-vectors.json", import.meta.url);
const file = [recorded, recordedAtRoot].find((url) => existsSync(url));

test.skipIf(file === undefined)("D01 D02 the recorded answers of CLUSTER KEYSLOT", () => {
	const { vectors } = JSON.parse(readFileSync(file!, "utf8")) as { vectors: { hex: string; slot: number }[] };
	expect(vectors.length).toBeGreaterThan(0);
	for (const { hex, slot } of vectors) expect(keySlot(Buffer.from(hex, "hex")), hex).toBe(slot);
});
