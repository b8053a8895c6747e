import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseClusterSlots, sameOwners } from "../../../src/cluster/topology.js";
import { ClientError, ReplyError } from "../../../src/errors.js";
import type { Reply } from "../../../src/resp/reply.js";
import { SLOT_COUNT } from "../../../src/slot.js";

const answeredBy = { host: "10.0.0.1", port: 7000 };

interface OneRange {
	first: number;
	last: number;
	/** The number of its node. */
	node: number;
}

/** Ranges that do not meet, each of one of five nodes. */
const ranges = fc
	.uniqueArray(fc.nat(SLOT_COUNT - 1), { minLength: 2, maxLength: 12 })
	.chain((edges) => fc.tuple(fc.constant(edges.sort((a, b) => a - b)), fc.array(fc.nat(4), { minLength: 12, maxLength: 12 })))
	.map(([edges, nodes]) =>
		edges.slice(1).map((edge, i): OneRange => ({ first: edges[i] as number, last: edge - 1, node: nodes[i] as number })),
	);

const nodeReply = (node: number): Reply => [`10.0.1.${node}`, 7000 + node, `id-${node}`, []];

describe("legal replies", () => {
	test("D01 D03 every slot belongs to the node that the reply gives it to, in any order of its ranges", () => {
		const shuffled = ranges.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })));
		fc.assert(
			fc.property(shuffled, ([all, order]) => {
				const view = parseClusterSlots(
					order.map(({ first, last, node }) => [first, last, nodeReply(node)]),
					answeredBy,
				);
				const read = view.flatMap(({ primary, ranges }) => ranges.map(([first, last]) => ({ first, last, id: primary.id })));
				read.sort((a, b) => a.first - b.first);
				expect(read).toEqual(all.map(({ first, last, node }) => ({ first, last, id: `id-${node}` })));
				expect(new Set(view.map(({ primary }) => primary.id)).size).toBe(view.length);
				expect(
					sameOwners(
						view,
						parseClusterSlots(
							all.map(({ first, last, node }) => [first, last, nodeReply(node)]),
							answeredBy,
						),
					),
				).toBe(true);
			}),
			{ numRuns: 200 },
		);
	});
});

const scalar: fc.Arbitrary<Reply> = fc.oneof(
	fc.constantFrom<Reply>(
		null,
		"",
		"?",
		"10.0.0.1",
		"id",
		0,
		1,
		7000,
		16383,
		16384,
		65535,
		65536,
		-1,
		1.5,
		Number.NaN,
		true,
		2n ** 70n,
	),
	fc.constantFrom<Reply>(Buffer.from("10.0.0.1"), new ReplyError("ERR no"), new Map([["ip", "10.0.0.9"]]), "ip", "hostname"),
	fc.string({ maxLength: 5 }),
	fc.integer(),
);
const anything = fc.letrec<{ reply: Reply }>((tie) => ({
	reply: fc.oneof({ maxDepth: 5, depthSize: "small" }, scalar, fc.array(tie("reply"), { maxLength: 6 })),
})).reply;
const almost = <T>(legal: fc.Arbitrary<T>): fc.Arbitrary<T | Reply> =>
	fc.oneof({ weight: 30, arbitrary: legal }, { weight: 1, arbitrary: anything });
const host = almost(fc.constantFrom("10.0.0.1", "", "?", null, "::1"));
const metadata = almost(fc.constantFrom<Reply>([], ["ip", "10.0.0.9"], ["hostname", ""], new Map([["hostname", "node-1"]])));
const node = almost(
	fc.tuple(host, almost(fc.integer({ min: -1, max: 65_537 })), almost(fc.constantFrom("a", "b", "")), metadata),
);
const first = almost(fc.nat(4000));
const last = almost(fc.integer({ min: 4000, max: SLOT_COUNT }));
const almostLegal = fc.array(almost(fc.oneof(fc.tuple(first, last, node), fc.tuple(first, last, node, node))), { maxLength: 3 });

test("D07 D09 any other reply is a view of slots and addresses that exist, or is refused as CLUSTER", () => {
	let views = 0;
	fc.assert(
		fc.property(fc.oneof(anything, almostLegal as fc.Arbitrary<Reply>), (reply) => {
			try {
				const view = parseClusterSlots(reply, answeredBy);
				views += 1;
				expect(view.length).toBeGreaterThan(0);
				let slots = 0;
				for (const { primary, replicas, ranges } of view) {
					for (const [first, last] of ranges) {
						expect([first >= 0, first <= last, last < SLOT_COUNT]).toEqual([true, true, true]);
						slots += last - first + 1;
					}
					for (const { id, endpoint, aliases } of [primary, ...replicas]) {
						expect(id).not.toBe("");
						for (const { host, port } of [endpoint, ...aliases]) {
							expect(["", "?"]).not.toContain(host);
							expect([Number.isInteger(port), port > 0, port < 65_536]).toEqual([true, true, true]);
						}
					}
				}
				expect(slots).toBeLessThanOrEqual(SLOT_COUNT);
			} catch (error) {
				if (!(error instanceof ClientError)) throw error;
				expect(error.code).toBe("CLUSTER");
			}
		}),
		{ numRuns: 5000 },
	);
	expect(views).toBeGreaterThan(100);
});

test("D03 a reply that gives away more slots than there are is no topology", () => {
	const all = [0, SLOT_COUNT - 1, nodeReply(1)];
	expect(parseClusterSlots([all], answeredBy)).toHaveLength(1);
	expect(() => parseClusterSlots([all, [5, 5, nodeReply(2)]], answeredBy)).toThrow(/malformed/);
});
