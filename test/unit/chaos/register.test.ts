import { describe, expect, test } from "vitest";
import { Register, versioned } from "../../chaos/register.js";

const KEY = "a";
const value = (version: number) => versioned(KEY, version, 20);

/** Versions 1 to `count`, acknowledged at 1000, 2000, … */
function written(count: number): Register {
	const register = new Register(KEY);
	for (let i = 1; i <= count; i++) register.acknowledged(register.issue(), i * 1000);
	return register;
}

test("values tell their key, version and size, and are padded to it", () => {
	expect(versioned("k", 12, 12)).toBe("k|12|12|....");
	expect(versioned("key", 12, 3)).toBe("key|12|3|");
});

describe("what is read", () => {
	test("may be what was acknowledged, or newer", () => {
		const register = written(2);
		register.issue();
		expect(register.judge(value(2), register.floor)).toBeNull();
		expect(register.judge(value(3), register.floor)).toBeNull();
	});

	test("may not be older, missing, another key's, or from the future", () => {
		const register = written(2);
		const { floor } = register;
		expect(register.judge(value(1), floor)).toBe("a: version 1 after 2 was acknowledged");
		expect(register.judge(null, floor)).toBe("a: version none after 2 was acknowledged");
		expect(register.judge(versioned("b", 2, 9), floor)).toBe('a: the reply is for "b"');
		expect(register.judge("OK", floor)).toBe('a: the reply is for "OK"');
		expect(register.judge(value(3), floor)).toBe("a: version 3 was never written");
	});

	test("is whole: as long as it was written, and nothing else in it", () => {
		const register = written(2);
		const whole = value(2);
		for (const damaged of [whole.slice(0, -1), `${whole}.`, `${whole.slice(0, -3)}b|2`, "a|2", "a||20|"])
			expect(register.judge(damaged, 0)).toMatch(/^a: the value is damaged/);
		expect(register.judge(undefined, 0)).toBe('a: the reply is for "undefined"');
	});

	test("while a failover may lose the last two seconds before it, may not be older than what came before", () => {
		// Acknowledged at 1000, 2000, 3000 and 4000.
		const register = written(4);
		expect(register.floorSince(4500)).toBe(2);
		expect(register.floorSince(9000)).toBe(4);
		register.rebase(value(4), null);
		expect(register.floorSince(0)).toBe(4);
	});

	test("nothing was acknowledged: it may be missing", () => {
		const register = new Register(KEY);
		expect(register.judge(null, register.floor)).toBeNull();
	});

	test("a write of unknown outcome may take effect late; one that was refused never", () => {
		const register = new Register(KEY);
		const [late, refused, last] = [register.issue(), register.issue(), register.issue()];
		register.failed(late, true);
		register.failed(refused, false);
		register.acknowledged(last, 0);
		expect(register.judge(value(late), register.floor)).toBeNull();
		expect(register.judge(value(refused), register.floor)).toBe("a: version 2 was refused, and is there");
		expect(register.judge(value(refused), 0)).toBe("a: version 2 was refused, and is there");
	});
});

describe("a new baseline", () => {
	test("without a failover nothing may be gone", () => {
		expect(written(3).rebase(value(3), null)).toEqual({ lost: 0, wrong: null });
		expect(written(3).rebase(value(2), null).wrong).toBe("a: version 2 after 3 was acknowledged");
		expect(written(1).rebase(null, null).wrong).toBe("a: version none after 1 was acknowledged");
	});

	test("a failover may lose the last two seconds before it, and what came after", () => {
		// Acknowledged at 1000, 2000, 3000 and 4000.
		expect(written(4).rebase(value(2), 4500)).toEqual({ lost: 2, wrong: null });
		expect(written(4).rebase(value(1), 4500)).toEqual({
			lost: 3,
			wrong: "a: version 2 is lost, acknowledged 2500 ms before the fault",
		});
		expect(written(4).rebase(null, 4500).lost).toBe(4);
		expect(written(4).rebase(versioned("b", 1, 9), 4500).wrong).toBe('a: the reply is for "b"');
	});

	test("what counts from then on is what was there; unknown writes have had their time", () => {
		const register = written(4);
		const late = register.issue();
		register.failed(late, true);
		register.rebase(value(3), 4500);
		expect(register.floor).toBe(3);
		expect(register.judge(value(2), register.floor)).not.toBeNull();
		const next = register.issue();
		register.acknowledged(next, 9000);
		expect(register.judge(value(late), register.floor)).not.toBeNull();
	});

	test("an unknown write that took effect last is no loss", () => {
		const register = new Register(KEY);
		const late = register.issue();
		register.failed(late, true);
		register.acknowledged(register.issue(), 1000);
		expect(register.rebase(value(late), null)).toEqual({ lost: 0, wrong: null });
	});

	test("forgetting keeps what a later loss is judged by", () => {
		const register = written(4);
		register.forget(3500);
		expect(register.rebase(value(1), 9000).wrong).toBe("a: version 3 is lost, acknowledged 6000 ms before the fault");
	});
});
