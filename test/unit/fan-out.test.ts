import { describe, expect, test } from "vitest";
import type { ResponsePolicy } from "../../src/command-info.js";
import { lookup } from "../../src/command-table.js";
import { BatchError, ReplyError } from "../../src/errors.js";
import { combine, scopeOf } from "../../src/fan-out.js";
import type { Reply } from "../../src/resp/reply.js";

const failure = new ReplyError("ERR no");

describe("where a command without keys goes", () => {
	test.each([
		["DBSIZE", "primaries"],
		["KEYS *", "primaries"],
		["FLUSHALL", "primaries"],
		["FUNCTION LOAD x", "primaries"],
		["SCRIPT LOAD x", "all"],
		["SCRIPT FLUSH", "all"],
		["CONFIG SET a b", "all"],
		["CONFIG RESETSTAT", "all"],
		["TIME", null],
		["PUBLISH c m", null],
		["CONFIG GET a", null],
		["INFO", null],
	])("D53 %s: %s", (line, scope) => {
		expect(scopeOf(lookup(line.split(" "))!)).toBe(scope);
	});

	test("D53 SCAN is refused: its cursor is one node's", () => {
		expect(() => scopeOf(lookup(["SCAN", "0"])!)).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
	});
});

describe("one reply out of the nodes' replies", () => {
	test.each<[ResponsePolicy, Reply[], Reply]>([
		["sum", [3, 0, 39], 42],
		["sum", [7], 7],
		["min", [2, 0, 1], 0],
		["max", [2, 0, 1], 2],
		[
			"logical-and",
			[
				[1, 0, 1],
				[1, 1, 0],
			],
			[1, 0, 0],
		],
		[
			"logical-or",
			[
				[1, 0, 0],
				[0, 0, 1],
			],
			[1, 0, 1],
		],
		["logical-and", [1, 1], 1],
		["logical-and", [1, 0], 0],
		["concat", [["a"], [], ["b", "c"]], ["a", "b", "c"]],
		[
			"concat",
			[[["a", 1]], [["b", 2]]],
			[
				["a", 1],
				["b", 2],
			],
		],
		[
			"concat",
			[new Map([["a", 1]]), new Map([["b", 2]])],
			new Map([
				["a", 1],
				["b", 2],
			]),
		],
		["concat", [null, "key", null], "key"],
		["concat", [null, null], null],
		["all-succeeded", ["OK", "OK"], "OK"],
		["one-succeeded", ["OK", "OK"], "OK"],
		["first", ["x", "y"], "x"],
	])("D53 %s of %j", (policy, replies, expected) => {
		expect(combine(policy, replies)).toEqual(expected);
	});

	test.each<ResponsePolicy>([
		"sum",
		"min",
		"max",
		"logical-and",
		"logical-or",
		"concat",
		"all-succeeded",
		"first",
	])("D53 %s with one node's error rejects and keeps every node's result", (policy) => {
		let thrown: unknown;
		try {
			combine(policy, [1, failure, 3]);
		} catch (error) {
			thrown = error;
		}
		expect(thrown).toBeInstanceOf(BatchError);
		expect((thrown as BatchError).results).toEqual([1, failure, 3]);
	});

	test("D53 one-succeeded needs one node", () => {
		expect(combine("one-succeeded", [failure, "OK", failure])).toBe("OK");
		expect(() => combine("one-succeeded", [failure, failure])).toThrow(BatchError);
	});
});
