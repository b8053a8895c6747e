import { describe, expect, test } from "vitest";
import { Subscriptions } from "../../../src/connection/subscriptions.js";
import { ReplyError } from "../../../src/errors.js";
import type { Command } from "../../../src/request.js";

function command(...args: string[]): Command {
	return { args, slot: -1, flags: 0, mode: 1, elements: 0, target: null, bytes: 0, blockMs: 0 };
}

function frame(kind: string, name: string | null, count = 0) {
	return [Buffer.from(kind), name === null ? null : Buffer.from(name), count];
}

const ping = command("PING");
const moved = new ReplyError("MOVED 5061 127.0.0.1:7002");

describe("pairing", () => {
	test("C39 one confirmation per name, one with null when there was none", () => {
		const pairs = new Subscriptions();
		const subscribe = command("subscribe", "a", "b");
		expect(pairs.confirms(frame("subscribe", "a"), subscribe)).toBe("more");
		expect(pairs.confirms(frame("message", "a"), subscribe)).toBe("no");
		expect(pairs.confirms(frame("subscribe", "b"), subscribe)).toBe("last");
		pairs.answered(subscribe);
		const all = command("UNSUBSCRIBE");
		expect(pairs.confirms(frame("unsubscribe", "b"), all)).toBe("more");
		expect(pairs.confirms(frame("unsubscribe", "a"), all)).toBe("last");
		pairs.answered(all);
		expect(pairs.active).toBe(false);
		expect(pairs.confirms(frame("unsubscribe", null), all)).toBe("last");
	});

	test("C40 a sunsubscribe that nobody asked for answers no other command, nor one for another name", () => {
		const pairs = new Subscriptions();
		const subscribe = command("SSUBSCRIBE", "a", "b", "c");
		for (const name of ["a", "b", "c"]) pairs.confirms(frame("ssubscribe", name), subscribe);
		pairs.answered(subscribe);
		expect(pairs.confirms(frame("sunsubscribe", "a"), undefined)).toBe("unasked");
		expect(pairs.confirms(frame("sunsubscribe", "b"), command("SUNSUBSCRIBE", "c"))).toBe("unasked");
		expect(pairs.confirms(frame("sunsubscribe", "c"), command("GET", "sunsubscribe"))).toBe("unasked");
		// An array like any other: nothing of that name is subscribed.
		expect(pairs.confirms(frame("sunsubscribe", "c"), command("LRANGE", "k", "0", "-1"))).toBe("no");
	});

	test("C40 the error of a SUNSUBSCRIBE that the server's own word had answered is found under the PING behind it, once", () => {
		const pairs = new Subscriptions();
		const leave = command("SUNSUBSCRIBE", "a", "b");
		expect(pairs.isLate(moved, ping)).toBe(false);
		expect(pairs.confirms(frame("sunsubscribe", "a"), leave)).toBe("more");
		expect(pairs.confirms(frame("sunsubscribe", "b"), leave)).toBe("last");
		pairs.answered(leave);
		expect(pairs.isLate(moved, command("GET", "k"))).toBe(false);
		expect(pairs.isLate(new ReplyError("NOPERM no"), ping)).toBe(false);
		expect(pairs.isLate(moved, ping)).toBe(true);
		pairs.answered(null);
		expect(pairs.isLate(moved, ping)).toBe(false);
	});

	test("C40 without that error the PING takes the next reply, and a refused SUNSUBSCRIBE leaves nothing behind for the next", () => {
		const pairs = new Subscriptions();
		const leave = command("SUNSUBSCRIBE", "a", "b");
		pairs.confirms(frame("sunsubscribe", "a"), leave);
		// In the middle of its names the slot was gone.
		pairs.answered(leave);
		pairs.answered(ping);
		expect(pairs.isLate(moved, ping)).toBe(false);
		const subscribe = command("SSUBSCRIBE", "x", "y");
		expect(pairs.confirms(frame("ssubscribe", "x"), subscribe)).toBe("more");
		expect(pairs.confirms(frame("ssubscribe", "y"), subscribe)).toBe("last");
	});
});

test("A24 an array is a message only while something is subscribed", () => {
	const pairs = new Subscriptions();
	expect(pairs.isMessage(frame("message", "a"))).toBe(false);
	pairs.confirms(frame("psubscribe", "a*"), command("PSUBSCRIBE", "a*"));
	for (const kind of ["message", "pmessage", "smessage"]) expect(pairs.isMessage(frame(kind, "a"))).toBe(true);
	expect(pairs.isMessage(frame("subscribe", "a"))).toBe(false);
	pairs.answered(command("PSUBSCRIBE", "a*"));
	pairs.confirms(frame("punsubscribe", "a*"), command("PUNSUBSCRIBE"));
	expect(pairs.isMessage(frame("message", "a"))).toBe(false);
});
