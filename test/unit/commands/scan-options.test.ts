/** What is refused before a byte is sent, and what a cursor carries. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planScan, type ScanCommand, type Scope } from "../../../src/commands/scan-options.js";
import { readToken, type ScanState, writeToken } from "../../../src/commands/scan-token.js";

const scope: Scope = { command: "SCAN", key: "", database: 0, match: null, type: null, novalues: false };

const range = fc.tuple(fc.nat(16_383), fc.nat(16_383)).map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]);
const table = fc.record({ cursor: fc.bigInt(0n, 2n ** 64n - 1n).map(String), origin: fc.string(), done: fc.boolean() });
const pass = fc
	.tuple(table, fc.record({ id: fc.string(), epoch: fc.nat(), slots: fc.array(range), halves: fc.array(fc.nat(16_383)) }))
	.map(([position, node]) => ({ ...position, ...node }));
const position = fc.oneof(
	table.map((each) => ({ table: each })),
	fc
		.record({
			read: fc.array(range),
			halfRead: fc.array(fc.tuple(fc.nat(16_383), fc.string(), fc.string(), fc.nat())),
			pass: fc.option(pass),
			nodes: fc.array(fc.string()),
		})
		.map((each) => ({ cluster: each })),
);
const state: fc.Arbitrary<ScanState> = fc.record({
	scope: fc.record({
		command: fc.constantFrom<ScanCommand>("SCAN", "HSCAN", "SSCAN", "ZSCAN"),
		key: fc.string(),
		database: fc.nat(),
		match: fc.option(fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("hex"))),
		type: fc.option(fc.string({ unit: "grapheme" })),
		novalues: fc.boolean(),
	}),
	count: fc.option(fc.integer({ min: 1 })),
	position,
});

describe("D50 cursors of scans", () => {
	test("what is written is read again, and is text that needs no escape anywhere", () => {
		fc.assert(
			fc.property(state, (each) => {
				const token = writeToken(each);
				expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
				expect(readToken(token)).toEqual(each);
			}),
		);
	});

	test("one that was cut, or changed, or never was one, is refused", () => {
		const refused = expect.objectContaining({ code: "INVALID_OPTION", field: "cursor" });
		fc.assert(
			fc.property(state, fc.nat(), fc.integer({ min: 1, max: 63 }), (each, where, by) => {
				const token = writeToken(each);
				const at = where % token.length;
				expect(() => readToken(token.slice(0, at))).toThrow(refused);
				const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
				const other = letters[(letters.indexOf(token[at]!) + by) % 64];
				expect(() => readToken(token.slice(0, at) + other + token.slice(at + 1))).toThrow(refused);
				expect(() => readToken(`${token}A`)).toThrow(refused);
			}),
		);
		fc.assert(
			fc.property(fc.anything(), (each) => {
				expect(() => readToken(each)).toThrow(refused);
			}),
		);
		for (const each of ["", "0", "17", "{}", "AAAA", "\u0000"]) expect(() => readToken(each)).toThrow(refused);
	});
});

describe("D50 options of scans", () => {
	const plan = (command: ScanCommand, options: unknown, key: string | null = command === "SCAN" ? null : "k") =>
		planScan(command, key, options, 0, {});

	test("become arguments in the server's order; count is left out unless it is given", () => {
		expect(plan("SCAN", undefined)).toMatchObject({ head: ["SCAN"], tail: [] });
		expect(plan("SCAN", { match: "a*", count: 5, type: "hash" })).toMatchObject({
			tail: ["MATCH", Buffer.from("a*"), "COUNT", "5", "TYPE", "hash"],
		});
		expect(plan("HSCAN", { novalues: true })).toMatchObject({ head: ["HSCAN", "k"], tail: ["NOVALUES"] });
		expect(plan("HSCAN", { novalues: false, match: Buffer.from([255]) })).toMatchObject({ tail: ["MATCH", Buffer.from([255])] });
	});

	test.each<[ScanCommand, unknown, string]>([
		["SCAN", null, "options"],
		["SCAN", "a*", "options"],
		["SCAN", ["a*"], "options"],
		["SCAN", { count: 0 }, "count"],
		["SCAN", { count: -1 }, "count"],
		["SCAN", { count: 1.5 }, "count"],
		["SCAN", { count: "10" }, "count"],
		["SCAN", { count: Number.NaN }, "count"],
		["SCAN", { match: 5 }, "match"],
		["SCAN", { match: null }, "match"],
		["SCAN", { match: "\ud800" }, "match"],
		["SCAN", { type: "" }, "type"],
		["SCAN", { type: 1 }, "type"],
		["SCAN", { type: "\udfff" }, "type"],
		["SCAN", { novalues: true }, "novalues"],
		["SCAN", { cursor: null }, "cursor"],
		["SCAN", { cursor: 0 }, "cursor"],
		["SCAN", { cursor: "0" }, "cursor"],
		["SCAN", { pattern: "a*" }, "pattern"],
		["SSCAN", { type: "set" }, "type"],
		["ZSCAN", { novalues: true }, "novalues"],
		["HSCAN", { novalues: 1 }, "novalues"],
		["HSCAN", { type: "hash" }, "type"],
	])("%s %j is refused, and %s named", (command, options, field) => {
		expect(() => plan(command, options)).toThrow(expect.objectContaining({ code: "INVALID_OPTION", field }));
	});

	test("a cursor brings them along; what is given beside it has to be the same, but for count", () => {
		const position = { table: { cursor: "7", origin: "x", done: false } };
		const match = Buffer.from("a*").toString("hex");
		const cursor = writeToken({ scope: { ...scope, match, type: "hash" }, count: 9, position });
		const tail = ["MATCH", Buffer.from("a*"), "COUNT", "9", "TYPE", "hash"];
		expect(plan("SCAN", { cursor })).toMatchObject({ tail, from: position });
		expect(plan("SCAN", { cursor, match: Buffer.from("a*"), type: "hash" })).toMatchObject({ tail });
		expect(plan("SCAN", { cursor, count: 10 })).toMatchObject({ count: 10 });
		const refused = (field: string) => expect.objectContaining({ code: "INVALID_OPTION", field });
		expect(() => plan("SCAN", { cursor, match: "b*" })).toThrow(refused("match"));
		expect(() => plan("SCAN", { cursor, type: "set" })).toThrow(refused("type"));
		expect(() => plan("SSCAN", { cursor })).toThrow(refused("cursor"));
		expect(() => planScan("SCAN", null, { cursor }, 1, {})).toThrow(refused("cursor"));
		const all = writeToken({ scope, count: null, position });
		expect(() => plan("SCAN", { cursor: all, match: "a*" })).toThrow(refused("match"));
		const { scope: ofKey } = plan("HSCAN", {});
		const hash = writeToken({ scope: ofKey, count: null, position });
		expect(plan("HSCAN", { cursor: hash })).toMatchObject({ from: position });
		expect(() => plan("HSCAN", { cursor: hash }, "other")).toThrow(refused("cursor"));
		// A key is not written down.
		expect(
			Buffer.from(
				writeToken({ scope: planScan("HSCAN", "secret-key", {}, 0, {}).scope, count: 1, position }),
				"base64url",
			).toString("latin1"),
		).not.toContain("secret");
	});
});
