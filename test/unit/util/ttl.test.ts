import { expect, test } from "vitest";
import { expiryOf, ttlMs } from "../../../src/util/ttl.js";

test.each([
	[1, 1],
	[0.2, 1],
	[1500, 1500],
	["500ms", 500],
	["30s", 30_000],
	["5m", 300_000],
	["1.5h", 5_400_000],
	[".5s", 500],
	["7d", 604_800_000],
	["0.0015s", 2],
	["1.1s", 1100],
	["0.3s", 300],
	["36500d", 3_153_600_000_000],
])("S3.3 C6 %j is %d ms", (ttl, ms) => {
	expect(ttlMs(ttl, "ttl")).toBe(ms);
});

test.each([
	0,
	-1,
	Number.NaN,
	Number.POSITIVE_INFINITY,
	36_501 * 86_400_000,
	"",
	"5",
	"5 m",
	"5min",
	"-5s",
	"1e3s",
	"0s",
	"s",
	"5M",
	null,
	undefined,
	true,
	{},
	10n,
])("%s is no time to live, and the error names the field", (ttl) => {
	expect(() => ttlMs(ttl, "grace")).toThrow(expect.objectContaining({ code: "INVALID_OPTION", field: "grace" }));
});

test("C6 whole seconds are EX on the wire, all else PX", () => {
	expect([1000, 60_000, 1001, 1].map(expiryOf)).toEqual([{ ex: 1 }, { ex: 60 }, { px: 1001 }, { px: 1 }]);
});
