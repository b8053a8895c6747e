import { describe, expect, test } from "vitest";
import { ReplyError } from "../../src/errors.js";
import { Trail } from "../../src/trail.js";

const cause = new ReplyError("MOVED 5061 127.0.0.1:7001");

function sentOnBy(...nodes: string[]): Trail {
	const trail = new Trail();
	for (const node of nodes) trail.add(node, 5061, 16, cause);
	return trail;
}

describe("the nodes that sent a command on", () => {
	test("D16 as many as are allowed; one more ends it, and names them all", () => {
		const trail = new Trail();
		expect([trail.way, trail.length]).toEqual(["", 0]);
		expect(trail.add("a:1", 5061, 2, cause)).toBeNull();
		expect(trail.add("b:1", 5061, 2, cause)).toBeNull();
		expect(trail.way).toBe(", redirected 2 times, by a:1, b:1");
		const error = trail.add("a:1", 5061, 2, cause);
		expect(error).toMatchObject({ code: "CLUSTER", cause, maybeExecuted: false });
		expect(error?.message).toBe("slot 5061 was redirected 3 times, by a:1, b:1, a:1");
	});

	test("D17 one that led where nobody could answer counts no more once the way begins again", () => {
		const trail = sentOnBy("a:1");
		for (let i = 0; i < 5; i++) {
			trail.end();
			// It is part of the way until then.
			expect(trail.length).toBe(1);
			expect(trail.add("b:1", 5061, 1, cause)).toBeNull();
		}
		expect(trail.way).toBe(", redirected 1 times, by b:1");
		expect(trail.add("b:1", 5061, 1, cause)).not.toBeNull();
	});

	test("D16 MOVED is followed at once, twice; then the nodes have to agree first", () => {
		expect(sentOnBy("a:1").pauses("moved", false, false)).toBe(false);
		expect(sentOnBy("a:1", "b:1").pauses("moved", false, false)).toBe(false);
		expect(sentOnBy("a:1", "b:1", "a:1").pauses("moved", false, false)).toBe(true);
	});

	test("D15 to a node that named itself there is no way at once", () => {
		expect(sentOnBy("a:1").pauses("moved", false, true)).toBe(true);
	});

	test("D17 ASK is followed at once, but not from a node that ASK had led to", () => {
		expect(sentOnBy("a:1", "b:1", "a:1").pauses("ask", false, false)).toBe(false);
		expect(sentOnBy("a:1").pauses("ask", true, false)).toBe(true);
	});
});
