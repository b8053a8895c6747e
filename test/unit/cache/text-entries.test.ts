import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_TAGS } from "../../../src/cache/envelope.js";
import { textEntries } from "../../../src/cache/text-entries.js";
import { everythingOf } from "../../support/secrets.js";
import { thrown } from "../../support/thrown.js";

const about = fc.record({
	freshUntil: fc.oneof(fc.constantFrom(0, Number.POSITIVE_INFINITY, Date.now()), fc.nat(Number.MAX_SAFE_INTEGER)),
	madeInMs: fc.nat(0xffff_ffff),
	tags: fc.array(fc.tuple(fc.string({ unit: "grapheme", maxLength: 40 }), fc.string({ maxLength: 10 })), { maxLength: 8 }),
});
const { encode, seal, open } = textEntries;
const reopened = (value: unknown, head: Parameters<typeof seal>[0]) => open(seal(head, encode(value)) as string);

describe("an entry of text", () => {
	test("S2.2 what was sealed is what is opened, as text and as its bytes", () => {
		fc.assert(
			fc.property(about, fc.jsonValue(), (head, value) => {
				const stored = seal(head, encode(value)) as string;
				const expected = { ...head, absent: false, value: JSON.parse(JSON.stringify(value)) };
				expect(open(stored)).toMatchObject(expected);
				expect(open(Buffer.from(stored))).toMatchObject(expected);
			}),
		);
	});

	test("S2.2 null is a value, and no value is none", () => {
		const head = { freshUntil: 1, madeInMs: 2, tags: [["t", "v"]] } as const;
		expect(reopened(null, head)).toMatchObject({ ...head, absent: false, value: null });
		expect(open(seal(head, null) as string)).toMatchObject({ ...head, absent: true, value: undefined });
	});

	test("S2.9 as many tags as there may be, each as long as it may be", () => {
		const tags = Array.from({ length: MAX_TAGS }, (_, i) => [`${"𝄞".repeat(4990)}${i}`, "v".repeat(64)] as const);
		expect(reopened("value", { freshUntil: 1, madeInMs: 0, tags })).toMatchObject({ tags, value: "value" });
	});

	test("S1.8 the text of an entry is the one that other processes wrote", () => {
		const head = { freshUntil: 1_795_323_156_170, madeInMs: 12, tags: [["t", "v1"]] } as const;
		expect(seal(head, '{"id":7}')).toBe('sw1v 1795323156170 12 [["t","v1"]]\n{"id":7}');
		expect(seal({ freshUntil: Number.POSITIVE_INFINITY, madeInMs: 0.4, tags: [] }, null)).toBe("sw1n - 0\n");
	});

	const cycle: Record<string, unknown> = { hunter2: 1 };
	cycle.hunter2 = cycle;
	const throwing = {
		toJSON() {
			throw new Error("hunter2");
		},
	};
	const revoked = Proxy.revocable({}, {});
	revoked.revoke();
	test.each([
		["a cycle", cycle],
		["a bigint", { n: 1n }],
		["a function", () => {}],
		["a symbol", Symbol("hunter2")],
		["a toJSON that throws", throwing],
		["a proxy that is no more", revoked.proxy],
	])("S2.2 JSON cannot say %s: INVALID_ARGUMENT without the value", (_what, value) => {
		const error = thrown(() => encode(value));
		expect(error).toMatchObject({ code: "INVALID_ARGUMENT", index: 1, message: expect.stringMatching(/JSON/) });
		expect(everythingOf(error)).not.toContain("hunter2");
	});

	test.each([
		[5, [["t", "v"]]],
		[Number.POSITIVE_INFINITY, []],
	] as const)("S2.9 purged, fresh until %f before: the same, and an old one, in as many bytes", (freshUntil, tags) => {
		const stored = Buffer.from(seal({ freshUntil, madeInMs: 7, tags }, "[1]") as string);
		const head = textEntries.purgedHead(stored) as Buffer;
		const purged = Buffer.concat([head, stored.subarray(head.length)]);
		expect(open(purged)).toMatchObject({ freshUntil: 0, madeInMs: 7, tags, absent: false, value: [1] });
		expect(textEntries.purgedHead(Buffer.from("hello"))).toBeNull();
	});

	test("S1.8 what is cut short, and text of others' making: an entry or none, never a failure", () => {
		const whole = seal({ freshUntil: 1, madeInMs: 0, tags: [["tag", "version"]] }, '{"a":[1,"]"]}') as string;
		for (let end = 0; end < whole.length; end++) expect([end, open(whole.slice(0, end))]).toEqual([end, null]);
		fc.assert(
			fc.property(
				fc.oneof(
					fc.json(),
					fc.string(),
					fc.array(fc.oneof(fc.json(), fc.nat(99), fc.constantFrom("-", " ", "\n"))).map((rest) => `sw1v ${rest.join(" ")}`),
				),
				(text) => {
					expect(open(text)?.freshUntil ?? 0).toBeGreaterThanOrEqual(0);
				},
			),
			{ numRuns: 2000 },
		);
	});
});
