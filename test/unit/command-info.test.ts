import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fromCommandReply, lookup } from "../../src/command-table.js";
import type { Reply } from "../../src/resp/reply.js";

function recorded(name: string): Record<string, unknown> {
	return JSON.parse(readFileSync(new URL(`../../fixtures/recorded/${name}`, import.meta.url), "utf8"));
}

/** The maps and sets of RESP3, made from the flat arrays of RESP2 as a server makes both from one description. */
function asResp3(element: Reply): Reply {
	if (!Array.isArray(element)) return element;
	const map = (flat: Reply): Reply => {
		const fields = new Map<Reply, Reply>();
		for (let i = 0; i < (flat as Reply[]).length; i += 2) {
			const [name, value] = [(flat as Reply[])[i]!, (flat as Reply[])[i + 1]!];
			fields.set(name, Array.isArray(value) && name !== "flags" ? map(value) : value);
		}
		return fields;
	};
	return element.map((item, i) => (i === 8 ? (item as Reply[]).map(map) : i === 9 ? (item as Reply[]).map(asResp3) : item));
}

function asBuffers(reply: Reply): Reply {
	if (Array.isArray(reply)) return reply.map(asBuffers);
	return typeof reply === "string" ? Buffer.from(reply) : reply;
}

describe("fromCommandReply", () => {
	const { elements } = recorded("command.json") as unknown as { elements: Reply[][] };

	test("reads RESP2 arrays, RESP3 maps and Buffers alike", () => {
		expect(elements.length).toBeGreaterThan(10);
		for (const element of elements) {
			const info = fromCommandReply(element)!;
			for (const other of [asResp3(element), asBuffers(element)]) {
				expect({ ...fromCommandReply(other) }).toEqual({ ...info });
				const args = [info.name, "a", "2", "b", "c", "STREAMS", "d", "e"];
				if (info.keysKnown) expect(fromCommandReply(other)!.keys(args)).toEqual(info.keys(args));
			}
			const own = lookup([info.name])!;
			expect([own.arity, own.readOnly, own.write, own.blocking]).toEqual([info.arity, info.readOnly, info.write, info.blocking]);
			expect([own.requestPolicy, own.responsePolicy]).toEqual([info.requestPolicy, info.responsePolicy]);
		}
	});

	test.each([
		["XREAD COUNT 1 STREAMS a b 0 0", [4, 5]],
		["EVAL s 1 a b", [3]],
		["GEORADIUS a 1 2 3 km STORE b", [1, 7]],
		["MSET a 1 b 2", [1, 3]],
		["LCS a b LEN", [1, 2]],
	])("finds the keys of %s by the server's own specifications", (line, keys) => {
		const args = line.split(" ");
		const element = elements.find(([name]) => name === args[0]!.toLowerCase())!;
		expect(fromCommandReply(element)!.keys(args)).toEqual(keys);
	});

	test("keys are unknown where the server says that its specifications do not tell them", () => {
		const unknown = elements.map((element) => fromCommandReply(element)!).filter((info) => !info.keysKnown);
		expect(unknown.map((info) => info.name).sort()).toEqual(["MIGRATE", "SORT"]);
	});

	test("an incomplete specification leaves the keys unknown", () => {
		const walk = ["find_keys", ["type", "range", "spec", ["lastkey", 0, "keystep", 1, "limit", 0]]];
		const spec = (...flags: string[]) => ["flags", flags, "begin_search", ["type", "index", "spec", ["index", 1]], ...walk];
		expect(fromCommandReply(["x", 2, [], 1, 1, 1, [], [], [spec("RW"), spec("RW", "incomplete")], []])!.keysKnown).toBe(false);
		expect(fromCommandReply(["x", 2, [], 1, 1, 1, [], [], [spec("RW"), spec("RW")], []])!.keysKnown).toBe(true);
	});

	test("a server before 7 tells first, last and step", () => {
		const keys = (reply: Reply, line: string) => fromCommandReply(reply)!.keys(line.split(" "));
		expect(keys(["mset", -3, ["write"], 1, -1, 2], "MSET a 1 b 2")).toEqual([1, 3]);
		expect(keys(["rename", 3, ["write"], 1, 2, 1], "RENAME a b")).toEqual([1, 2]);
		expect(keys(["blpop", -3, ["write"], 1, -2, 1, ["@list"]], "BLPOP a b 0")).toEqual([1, 2]);
		expect(keys(["ping", -1, ["stale"], 0, 0, 0], "PING x")).toEqual([]);
		expect(fromCommandReply(["eval", -3, ["movablekeys"], 0, 0, 0])!.keysKnown).toBe(false);
		expect(fromCommandReply(["odd", -3, [], 1, -1, 0])!.keysKnown).toBe(false);
	});

	test("a module that finds its keys by code is not known by its range", () => {
		const range = ["flags", ["RW", "variable_flags"], "begin_search", ["type", "index", "spec", ["index", 1]]];
		const spec = [...range, "find_keys", ["type", "range", "spec", ["lastkey", 0, "keystep", 1, "limit", 0]]];
		const element = (flags: string[]): Reply => ["mod.get", -2, flags, 1, 1, 1, [], [], [spec], []];
		expect(fromCommandReply(element(["readonly"]))).toMatchObject({ name: "MOD.GET", keysKnown: true, onlyKey: 1 });
		expect(fromCommandReply(element(["readonly", "movablekeys"]))).toMatchObject({ keysKnown: false, onlyKey: 0 });
	});

	test.each<[Reply]>([
		[null],
		[[]],
		["get"],
		[[1, 2, [], 0, 0, 0]],
		[["x", "2", [], 0, 0, 0]],
		[new Map()],
	])("%j describes nothing", (reply) => {
		expect(fromCommandReply(reply)).toBeNull();
	});

	test.each<[Reply]>([
		[["x", 1, [], 0, 0, 0, [], [], [null], []]],
		[["x", 1, [], 0, 0, 0, [], [], [[]], []]],
		[["x", 1, null, null, 0, 0]],
	])("%j leaves the keys unknown", (reply) => {
		expect(fromCommandReply(reply)!.keysKnown).toBe(false);
	});
});
