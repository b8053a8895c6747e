import { afterEach, expect, test } from "vitest";
import { Nodes } from "../../../src/cluster/nodes.js";
import type { NodeView } from "../../../src/cluster/topology.js";
import { newCounters } from "../../../src/core.js";
import { DeadlineClock } from "../../../src/deadline-clock.js";
import { formatEndpoint } from "../../../src/endpoint.js";
import { type ClientOptions, resolveOptions } from "../../../src/options.js";

const made: Nodes[] = [];

/** Pools connect when something is sent, which no test here does. */
function nodes(cluster: NonNullable<ClientOptions["cluster"]> = {}): Nodes {
	const settings = resolveOptions({ nodes: ["127.0.0.1:7000"], cluster });
	const result = new Nodes(
		{ settings, clock: new DeadlineClock(), counters: newCounters(), crowd: { full: 0 } },
		{ suspected: () => {}, lost: () => {}, misplaced: () => {} },
	);
	made.push(result);
	return result;
}

afterEach(() => {
	for (const each of made.splice(0)) each.destroy();
});

function view(id: string, ...addresses: string[]): NodeView {
	const [endpoint, ...aliases] = addresses.map((address) => {
		const colon = address.lastIndexOf(":");
		return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
	});
	return { id, endpoint: endpoint!, aliases };
}

test("one address, one pool", () => {
	const all = nodes();
	const pool = all.at({ host: "127.0.0.1", port: 7001 });
	expect(all.at({ host: "127.0.0.1", port: 7001 })).toBe(pool);
	expect(all.at({ host: "127.0.0.1", port: 7002 })).not.toBe(pool);
	expect(all.find("127.0.0.1:7001")).toBe(pool);
	expect(all.find("127.0.0.1:7009")).toBeUndefined();
});

test("D08 an IPv6 node is found by its bracketed address", () => {
	const all = nodes();
	const pool = all.at({ host: "::1", port: 7001 });
	expect(all.find("[::1]:7001")).toBe(pool);
	expect(formatEndpoint(pool.endpoint)).toBe("[::1]:7001");
});

test("D06 a redirection that names a node by its ip and a topology that has its hostname mean one pool", () => {
	const all = nodes();
	const pool = all.of(view("a", "node-1:7001", "10.0.0.2:7001"));
	expect(all.at({ host: "10.0.0.2", port: 7001 })).toBe(pool);
	expect(all.at({ host: "node-1", port: 7001 })).toBe(pool);
	expect(all.pools().size).toBe(1);
});

test("D06 a seed known by its hostname is the node that the topology knows by its ip", () => {
	const all = nodes();
	const seed = all.at({ host: "localhost", port: 7001 });
	expect(all.of(view("a", "127.0.0.1:7001", "localhost:7001"))).toBe(seed);
});

test("D06 a node keeps its pool when the topology changes the name that it prefers", () => {
	const all = nodes();
	const pool = all.of(view("a", "10.0.0.2:7001", "node-1:7001"));
	expect(all.of(view("a", "node-1:7001", "10.0.0.2:7001"))).toBe(pool);
	expect(all.of(view("a", "10.0.0.2:7001"))).toBe(pool);
});

test("D06 a node that came back at another address gets another pool", () => {
	const all = nodes();
	const before = all.of(view("a", "10.0.0.2:7001"));
	const after = all.of(view("a", "10.0.0.3:7001"));
	expect(after).not.toBe(before);
	expect(formatEndpoint(after.endpoint)).toBe("10.0.0.3:7001");
	expect(all.of(view("a", "10.0.0.3:7001"))).toBe(after);
});

test("D06 nodes that keep their names and change addresses with each other are each reached where they are now", () => {
	const all = nodes();
	const before = [all.of(view("a", "10.0.0.2:7001", "node-1:7001")), all.of(view("b", "10.0.0.3:7001", "node-2:7001"))];
	all.keep(new Set(before));
	const after = [all.of(view("a", "10.0.0.4:7001", "node-1:7001")), all.of(view("b", "10.0.0.2:7001", "node-2:7001"))];
	expect(after.map(({ endpoint }) => formatEndpoint(endpoint))).toEqual(["10.0.0.4:7001", "10.0.0.2:7001"]);
	expect(all.at({ host: "node-1", port: 7001 })).toBe(after[0]);
	expect(all.at({ host: "10.0.0.2", port: 7001 })).toBe(after[1]);
});

test.each([
	["before", ["a", "c"]],
	["after", ["c", "a"]],
])("D06 a view that gave a node another one's address %s that one's own is forgotten with the next view", (_, order) => {
	const all = nodes();
	const wrong = { a: view("a", "10.0.0.2:7001", "10.0.0.3:7001"), c: view("c", "10.0.0.3:7001") };
	all.keep(new Set(order.map((id) => all.of(wrong[id as "a" | "c"]))));
	const [a, c] = [all.of(view("a", "10.0.0.2:7001")), all.of(view("c", "10.0.0.3:7001"))];
	expect([a, c].map(({ endpoint }) => formatEndpoint(endpoint))).toEqual(["10.0.0.2:7001", "10.0.0.3:7001"]);
	expect(all.at({ host: "10.0.0.3", port: 7001 })).toBe(c);
});

test("D06 two pools of what turns out to be one node: one stays, the other is let go of", () => {
	const all = nodes();
	const byIp = all.at({ host: "127.0.0.1", port: 7001 });
	const byName = all.at({ host: "localhost", port: 7001 });
	const pool = all.of(view("a", "127.0.0.1:7001", "localhost:7001"));
	expect(pool).toBe(byIp);
	all.keep(new Set([pool]));
	expect(byName.closed).toMatchObject({ code: "CONNECTION" });
	expect(byIp.closed).toBeNull();
	expect([...all.pools()]).toEqual([byIp]);
});

test("nodes that are not in the topology any more are closed and forgotten, by address and by id", () => {
	const all = nodes();
	const stays = all.of(view("a", "10.0.0.2:7001"));
	const goes = all.of(view("b", "10.0.0.3:7001", "node-2:7001"));
	all.keep(new Set([stays]));
	expect(goes.closed).toMatchObject({ code: "CONNECTION" });
	expect(stays.closed).toBeNull();
	expect(all.find("node-2:7001")).toBeUndefined();
	const again = all.of(view("b", "10.0.0.3:7001"));
	expect(again).not.toBe(goes);
	expect(again.closed).toBeNull();
});

test.each([
	["an object of addresses", { "10.0.0.2:7001": "127.0.0.1:17001" }],
	["an object of endpoints", { "10.0.0.2:7001": { host: "127.0.0.1", port: 17001 } }],
	["a function", (node: { host: string; port: number }) => (node.port === 7001 ? { host: "127.0.0.1", port: 17001 } : node)],
])("natMap as %s says where a node is reached", (_, natMap) => {
	const all = nodes({ natMap });
	expect(formatEndpoint(all.of(view("a", "10.0.0.2:7001")).endpoint)).toBe("127.0.0.1:17001");
	expect(all.translate({ host: "10.0.0.9", port: 7009 })).toEqual({ host: "10.0.0.9", port: 7009 });
	expect(all.pools().size).toBe(1);
});
