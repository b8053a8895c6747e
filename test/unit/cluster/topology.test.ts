import { describe, expect, test } from "vitest";
import { displaced, ownId, parseClusterSlots } from "../../../src/cluster/topology.js";
import type { Reply } from "../../../src/resp/reply.js";

const answeredBy = { host: "10.0.0.1", port: 7000 };

function parse(reply: unknown) {
	return parseClusterSlots(reply as Reply, answeredBy);
}

/** The primary of a view with one range that names one node. */
function primaryOf(node: unknown) {
	return parse([[0, 16383, node]])[0]!.primary;
}

describe("forms of a node", () => {
	test("D03 [ip, port] of old servers: the address is its identity", () => {
		expect(primaryOf(["10.0.0.2", 7001])).toEqual({
			id: "10.0.0.2:7001",
			endpoint: { host: "10.0.0.2", port: 7001 },
			aliases: [],
		});
	});

	test("D03 [ip, port, id]", () => {
		expect(primaryOf(["10.0.0.2", 7001, "abc"])).toEqual({ id: "abc", endpoint: { host: "10.0.0.2", port: 7001 }, aliases: [] });
	});

	test("D03 D06 metadata is an array in RESP2 and a map in RESP3: one result", () => {
		const expected = {
			id: "abc",
			endpoint: { host: "10.0.0.2", port: 7001 },
			aliases: [{ host: "node-1", port: 7001 }],
		};
		expect(primaryOf(["10.0.0.2", 7001, "abc", ["hostname", "node-1"]])).toEqual(expected);
		expect(primaryOf(["10.0.0.2", 7001, "abc", new Map([["hostname", "node-1"]])])).toEqual(expected);
	});

	test("D03 empty metadata, metadata of unknown fields and fields after it are ignored", () => {
		const expected = { id: "abc", endpoint: { host: "10.0.0.2", port: 7001 }, aliases: [] };
		for (const more of [[[]], [new Map()], [null], [["zone", "eu", "weight", 3]], [["odd"]], [[], "later", 7, ["x"]], ["text"]]) {
			expect(primaryOf(["10.0.0.2", 7001, "abc", ...more])).toEqual(expected);
		}
	});

	test("D03 ranges of one node are one shard, ends included", () => {
		const [a, b] = [
			["10.0.0.2", 7001, "a"],
			["10.0.0.3", 7002, "b"],
		];
		const replica = ["10.0.0.4", 7003, "c"];
		const view = parse([
			[0, 99, a, replica],
			[100, 100, b],
			[101, 16383, a, replica],
		]);
		expect(view.map(({ primary, ranges }) => [primary.id, ranges])).toEqual([
			[
				"a",
				[
					[0, 99],
					[101, 16383],
				],
			],
			["b", [[100, 100]]],
		]);
		expect(view[0]!.replicas.map(({ id }) => id)).toEqual(["c"]);
	});

	test.each([[null], [""]])("D04 the host %j is that of the node that answered, with the port that was returned", (host) => {
		expect(primaryOf([host, 7001, "abc"]).endpoint).toEqual({ host: "10.0.0.1", port: 7001 });
		expect(primaryOf([host, 7001, "abc", ["ip", "192.168.0.9"]])).toEqual({
			id: "abc",
			endpoint: { host: "10.0.0.1", port: 7001 },
			aliases: [{ host: "192.168.0.9", port: 7001 }],
		});
	});

	test("D05 the host ? has the address in its metadata", () => {
		expect(primaryOf(["?", 7001, "abc", ["ip", "10.0.0.2"]])).toEqual({
			id: "abc",
			endpoint: { host: "10.0.0.2", port: 7001 },
			aliases: [],
		});
	});

	test.each([
		[["?", 7001, "abc"]],
		[["?", 7001, "abc", ["ip", ""]]],
		[["?", 7001, "abc", ["ip", "?"]]],
		[["?", 7001, "abc", new Map([["ip", ""]])]],
		[["?", 7001, "abc", ["ip", null]]],
		[["?", 7001, "abc", ["hostname", "?"]]],
		[["?", 7001, "abc", ["hostname", "node-1"]]],
	])("D05 %j is nobody: its slots are unassigned, never those of the node that answered", (unknown) => {
		const view = parse([
			[0, 99, unknown],
			[100, 16383, ["10.0.0.3", 7002, "b"]],
		]);
		expect(view).toEqual([
			{ primary: { id: "b", endpoint: { host: "10.0.0.3", port: 7002 }, aliases: [] }, replicas: [], ranges: [[100, 16383]] },
		]);
	});

	test("D05 an unknown replica is left out, its primary stays", () => {
		const view = parse([[0, 16383, ["10.0.0.2", 7001, "a"], ["?", 7002, "b"], ["10.0.0.4", 7003, "c"]]]);
		expect(view[0]!.replicas.map(({ id }) => id)).toEqual(["c"]);
	});

	test.each([
		["", "10.0.0.2"],
		["?", "10.0.0.2"],
		["10.0.0.2", "10.0.0.2"],
	])("D06 the announced hostname %j gives no alias", (hostname, host) => {
		expect(primaryOf([host, 7001, "abc", ["hostname", hostname]]).aliases).toEqual([]);
	});

	test("D06 a hostname preferred as the endpoint keeps the ip as an alias", () => {
		expect(primaryOf(["node-1", 7001, "abc", ["ip", "10.0.0.2"]])).toEqual({
			id: "abc",
			endpoint: { host: "node-1", port: 7001 },
			aliases: [{ host: "10.0.0.2", port: 7001 }],
		});
	});

	test("a metadata value that is no text is no address", () => {
		expect(primaryOf(["10.0.0.2", 7001, "abc", ["hostname", null, "ip", 5]]).aliases).toEqual([]);
		expect(primaryOf([null, 7001, "abc", new Map([["hostname", null]])]).aliases).toEqual([]);
	});

	test("D08 an IPv6 address stands bare", () => {
		expect(primaryOf(["::1", 7001, "abc"]).endpoint).toEqual({ host: "::1", port: 7001 });
		expect(parseClusterSlots([[0, 1, [null, 7001, "a"]]], { host: "::1", port: 7000 })[0]!.primary.endpoint).toEqual({
			host: "::1",
			port: 7001,
		});
	});
});

describe("views that are never adopted", () => {
	const node = ["10.0.0.2", 7001, "a"];

	test.each<[string, unknown]>([
		["an empty reply", []],
		["null", null],
		["text", "OK"],
		["a number", 5],
		["a map", new Map()],
		["a range that is no array", ["x"]],
		["a range without a node", [[0, 16383]]],
		["a range of one number", [[0]]],
		["a start below 0", [[-1, 5, node]]],
		["an end beyond 16383", [[0, 16384, node]]],
		["a start after its end", [[6, 5, node]]],
		["a fraction", [[0.5, 5, node]]],
		["a bigint", [[0, 16383n, node]]],
		["slots as text", [["0", "16383", node]]],
		["the slot __proto__", [["__proto__", 5, node]]],
		["a node that is no array", [[0, 16383, "10.0.0.2:7001"]]],
		["a node of null", [[0, 16383, null]]],
		["a node without a port", [[0, 16383, ["10.0.0.2"]]]],
		["a port as text", [[0, 16383, ["10.0.0.2", "7001"]]]],
		["a port that is a fraction", [[0, 16383, ["10.0.0.2", 70.5]]]],
		["a host that is a number", [[0, 16383, [5, 7001]]]],
		["a malformed replica", [[0, 16383, node, ["10.0.0.3"]]]],
		[
			"a malformed range after a good one",
			[
				[0, 99, node],
				[100, 20000, node],
			],
		],
		["nobody with an address", [[0, 16383, ["?", 7001, "a"]]]],
	])("D03 %s is refused whole", (_, reply) => {
		expect(() => parse(reply)).toThrow(expect.objectContaining({ code: "CLUSTER" }));
	});

	test.each([0, -1, 65_536])("D12 a node at port %i can not be reached: its slots are unassigned", (port) => {
		expect(() => parse([[0, 16383, ["10.0.0.2", port, "a"]]])).toThrow(expect.objectContaining({ code: "CLUSTER" }));
		expect(
			parse([
				[0, 99, ["10.0.0.2", port, "a"]],
				[100, 200, node],
			]),
		).toMatchObject([{ ranges: [[100, 200]] }]);
	});
});

describe("two views", () => {
	const [a, b] = [
		["10.0.0.2", 7001, "a"],
		["10.0.0.3", 7001, "b"],
	];
	const view = (...ranges: unknown[]) => parse(ranges);
	const names = (view: ReturnType<typeof parse>, news: ReturnType<typeof parse>) => displaced(view, news).map(({ id }) => id);

	test("D30 who has to give slots away where the other one holds", () => {
		const old = view([0, 99, a], [100, 199, b]);
		expect(names(old, old)).toEqual([]);
		expect(names(old, view([0, 49, a], [50, 99, a], [100, 199, b]))).toEqual([]);
		expect(names(old, view([0, 98, a], [99, 199, b]))).toEqual(["a"]);
		expect(names(old, view([0, 199, b]))).toEqual(["a"]);
		expect(names(old, view([0, 99, b], [100, 199, a]))).toEqual(["a", "b"]);
		// Slots that nobody serves any more are given away as well, new ones are not.
		expect(names(old, view([0, 99, a]))).toEqual(["b"]);
		expect(names(old, view([0, 99, a], [100, 300, b]))).toEqual([]);
	});
});

test("D34 D03 a node's own id is the one that the server gave, if it gave any", () => {
	expect(ownId(primaryOf(["10.0.0.2", 7001, "abc"]))).toBe("abc");
	for (const node of [
		["10.0.0.2", 7001],
		["10.0.0.2", 7001, ""],
		["::1", 7001],
	]) {
		expect(ownId(primaryOf(node))).toBeUndefined();
	}
});
