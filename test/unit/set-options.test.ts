import { describe, expect, test } from "vitest";
import { appendSetOptions, type SetOptions } from "../../src/commands/set-options.js";
import { InvalidOptionError } from "../../src/errors.js";

function wire(options: unknown): string {
	const args: string[] = [];
	appendSetOptions(args, options as SetOptions | undefined);
	return args.join(" ");
}

describe("what is sent", () => {
	test.each<[unknown, string]>([
		[undefined, ""],
		[{}, ""],
		[{ ex: 60 }, "EX 60"],
		[{ px: 1 }, "PX 1"],
		[{ exat: 2_000_000_000 }, "EXAT 2000000000"],
		[{ pxat: 2_000_000_000_000 }, "PXAT 2000000000000"],
		[{ keepttl: true }, "KEEPTTL"],
		[{ nx: true }, "NX"],
		[{ xx: true }, "XX"],
		[{ get: true }, "GET"],
		[{ ex: 60, nx: true }, "EX 60 NX"],
		[{ xx: true, px: 5, get: true }, "PX 5 XX GET"],
		[{ keepttl: true, xx: true, get: true }, "KEEPTTL XX GET"],
		[{ nx: true, get: true }, "NX GET"],
		[{ nx: false, xx: false, get: false, keepttl: false }, ""],
		[{ ex: 60, keepttl: false }, "EX 60"],
		[{ nx: true, xx: false }, "NX"],
		[{ ex: undefined, px: 5 }, "PX 5"],
		[{ ex: undefined }, ""],
	])("E10 %j becomes %j", (options, expected) => {
		expect(wire(options)).toBe(expected);
	});

	test.each([
		[0.4, "PX 400"],
		[0.0001, "PX 1"],
		[1.5, "PX 1500"],
		[1.0001, "PX 1001"],
		[59.9999, "PX 60000"],
		[Number.MIN_VALUE, "PX 1"],
	])("E12 a fraction of seconds, %d, is sent as milliseconds rounded up", (ex, expected) => {
		expect(wire({ ex })).toBe(expected);
		expect(wire({ ex, nx: true })).toBe(`${expected} NX`);
	});

	test("E12 the largest times are sent digit by digit", () => {
		expect(wire({ ex: Number.MAX_SAFE_INTEGER })).toBe("EX 9007199254740991");
		expect(wire({ pxat: Number.MAX_SAFE_INTEGER })).toBe("PXAT 9007199254740991");
	});
});

describe("what is refused, by its field", () => {
	test.each<[string, unknown]>([
		["px", { ex: 1, px: 1 }],
		["exat", { ex: 1, exat: 2_000_000_000 }],
		["pxat", { px: 1, pxat: 2_000_000_000_000 }],
		["keepttl", { ex: 1, keepttl: true }],
		["keepttl", { pxat: 2_000_000_000_000, keepttl: true }],
		["xx", { nx: true, xx: true }],
		["xx", { nx: true, xx: true, ex: 5 }],
	])("E10 %s contradicts the others of %j", (field, options) => {
		expectRefused(field, options);
	});

	test.each<[string, unknown]>([
		["EX", { EX: 60 }],
		["ttl", { ttl: 60 }],
		["ttl", { ex: 60, ttl: 60 }],
		["ifeq", { ifeq: "v" }],
		["nx", { nx: 1 }],
		["keepttl", { keepttl: "yes" }],
		["get", { get: null }],
		["options", 60],
		["options", "EX"],
		["options", null],
	])("E10 %s is no option in %j", (field, options) => {
		expectRefused(field, options);
	});

	test.each(["ex", "px", "exat", "pxat"])("E12 %s that is no time to live", (field) => {
		for (const value of [0, -1, -0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53, 1e300]) {
			expectRefused(field, { [field]: value });
			expectRefused(field, { [field]: value, nx: true });
		}
		for (const value of ["60", null, true, 60n, [60], {}, new Date()]) expectRefused(field, { [field]: value });
	});

	test.each(["px", "exat", "pxat"])("E12 a fraction for %s", (field) => {
		expectRefused(field, { [field]: 1.5 });
	});

	test("E12 a fraction of seconds that is too large to be counted in milliseconds", () => {
		expectRefused("ex", { ex: 2 ** 51 + 0.5 });
	});
});

function expectRefused(field: string, options: unknown): void {
	let thrown: unknown;
	try {
		wire(options);
	} catch (error) {
		thrown = error;
	}
	expect(thrown).toBeInstanceOf(InvalidOptionError);
	expect(thrown).toMatchObject({ code: "INVALID_OPTION", field });
}
