import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_TAGS, open, seal } from "../../../src/cache/envelope.js";

const text = (max: number) => fc.string({ unit: "grapheme", maxLength: max });
const entry = fc.record({
	absent: fc.boolean(),
	freshUntil: fc.oneof(fc.constantFrom(0, Number.POSITIVE_INFINITY, Date.now()), fc.double({ min: 0, noNaN: true })),
	madeInMs: fc.nat(0xffff_ffff),
	tags: fc.array(fc.tuple(text(40), text(10)), { maxLength: 8 }),
	value: fc.uint8Array({ maxLength: 200 }),
});

describe("an entry of bytes", () => {
	test("S2.2 what was sealed is what is opened", () => {
		fc.assert(
			fc.property(entry, ({ value, ...about }) => {
				const opened = open(seal(about, value));
				expect(opened).toMatchObject(about);
				expect([...(opened?.value ?? [])]).toEqual(about.absent ? [] : [...value]);
			}),
		);
	});

	test("S2.2 text is stored as its UTF-8", () => {
		const about = { absent: false, freshUntil: 1, madeInMs: 2, tags: [] };
		expect(open(seal(about, "für 🦀"))?.value.toString()).toBe("für 🦀");
	});

	test("S2.9 as many tags as there may be, each as long as it may be", () => {
		const tags = Array.from({ length: MAX_TAGS }, (_, i) => [`${"𝄞".repeat(4990)}${i}`, "v".repeat(64)] as const);
		const sealed = seal({ absent: false, freshUntil: 1, madeInMs: 0, tags }, "value");
		expect(open(sealed)?.tags).toEqual(tags);
		expect(open(sealed)?.value.toString()).toBe("value");
	});

	test("S1.8 the bytes of an entry are those that other processes wrote", () => {
		const whole = Buffer.from("c5570102 4278a1b2c3d4e000 00000007 01 0001 74 02 7631 22617222".replaceAll(" ", ""), "hex");
		const about = { absent: false, freshUntil: 1_692_672_998_734, madeInMs: 7, tags: [["t", "v1"]] as const };
		expect(open(whole)).toEqual({ ...about, value: Buffer.from('"ar"') });
		expect(seal(about, '"ar"')).toEqual(whole);
	});

	test("S1.8 bytes of others' making: an entry or none, never a failure, and nothing beyond their end is read", () => {
		// The bytes stand in the middle of a larger memory, as those of a reply do.
		const secret = Buffer.alloc(64, "SECRET");
		const at = (bytes: Uint8Array): Buffer => {
			const memory = Buffer.concat([secret, bytes, secret]);
			return memory.subarray(secret.length, secret.length + bytes.length);
		};
		const header = fc
			.tuple(fc.constantFrom(1, 1, 1, 0, 2, 255), fc.nat(7), fc.uint8Array({ minLength: 0, maxLength: 80 }))
			.map(([version, flags, rest]) => Buffer.concat([Buffer.from([0xc5, 0x57, version, flags]), rest]));
		const lying = entry.chain(({ value, ...about }) => {
			const bytes = seal({ ...about, tags: [["tag", "version"], ...about.tags] }, value);
			return fc.tuple(fc.nat(bytes.length), fc.nat(bytes.length - 1), fc.nat(255)).map(([end, where, byte]) => {
				const damaged = Buffer.from(bytes);
				damaged[where] = byte;
				return damaged.subarray(0, end);
			});
		});
		fc.assert(
			fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), header, lying), (bytes) => {
				const opened = open(at(bytes));
				if (opened === null) return;
				const read = [opened.value.toString("latin1"), ...opened.tags.flat()].join("");
				expect(read).not.toContain("SECRET");
				expect(opened.value.length).toBeLessThanOrEqual(bytes.length - 16);
				expect(opened.freshUntil).toBeGreaterThanOrEqual(0);
			}),
			{ numRuns: 3000 },
		);
	});

	test("S1.8 an entry that is cut short within its head, or its tags, is none", () => {
		const head = { absent: false, freshUntil: 1, madeInMs: 0, tags: [["tag", "version"], ["other", "v"]] as const }; // biome-ignore format: one line
		const whole = seal(head, "value");
		for (let end = 0; end < whole.length - "value".length; end++)
			expect([end, open(whole.subarray(0, end))]).toEqual([end, null]);
	});

	test.each([
		["of another version", "c5570200"],
		["with unknown flags", "c5570104"],
		["of another make", "c5580100"],
	])("S1.8 an entry %s is none", (_what, head) => {
		const whole = seal({ absent: false, freshUntil: 1, madeInMs: 0, tags: [] }, "value");
		expect(open(whole)).not.toBeNull();
		Buffer.from(head, "hex").copy(whole);
		expect(open(whole)).toBeNull();
	});

	test.each([Number.NaN, -1, Number.NEGATIVE_INFINITY])("S1.8 fresh until %f: none", (freshUntil) => {
		expect(open(seal({ absent: false, freshUntil, madeInMs: 0, tags: [] }, "value"))).toBeNull();
	});
});
