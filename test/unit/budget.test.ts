import { describe, expect, test } from "vitest";
import { Budget, type Crowd } from "../../src/budget.js";
import { resolveOptions } from "../../src/options.js";
import type { Command } from "../../src/request.js";
import { ReplyMode } from "../../src/resp/reply.js";

/** What a command counts beside its arguments. */
const OVERHEAD = 512;

function command(bytes = 10): Command {
	return { args: [], slot: -1, flags: 0, mode: ReplyMode.string, elements: 0, target: null, bytes, blockMs: 0 };
}

function budgetOf(maxQueuedCommands: number, maxQueuedBytes: number, crowd: Crowd = { full: 0 }): Budget {
	return new Budget("host:1", resolveOptions({ pool: { maxQueuedCommands, maxQueuedBytes } }).pool, crowd);
}

function fill(budget: Budget, count: number, bytes?: number): void {
	for (let i = 0; i < count; i++) budget.add(command(bytes));
}

describe("C22 a budget", () => {
	test("admits so many commands and no more", () => {
		const budget = budgetOf(3, 1_000_000);
		for (let i = 0; i < 3; i++) {
			expect(budget.admits(10)).toBe(true);
			budget.add(command());
		}
		expect(budget.admits(10)).toBe(false);
	});

	test("admits so many bytes and no more, each command with what the client keeps for it", () => {
		const budget = budgetOf(1000, 4 * (100 + OVERHEAD));
		for (let i = 0; i < 4; i++) {
			expect(budget.admits(100)).toBe(true);
			budget.add(command(100));
		}
		expect(budget.bytes).toBe(4 * (100 + OVERHEAD));
		expect(budget.admits(0)).toBe(false);
	});

	test("admits anything alone, and nothing beside it", () => {
		const budget = budgetOf(1000, 1000);
		expect(budget.admits(1_000_000)).toBe(true);
		budget.add(command(1_000_000));
		expect(budget.admits(0)).toBe(false);
		budget.remove(command(1_000_000));
		expect(budget.admits(1_000_000)).toBe(true);
		expect([budget.commands, budget.bytes]).toEqual([0, 0]);
	});

	test("that refused for want of room goes on to refuse until an eighth of it is free", () => {
		const crowd = { full: 0 };
		const budget = budgetOf(80, 1_000_000, crowd);
		fill(budget, 80);
		expect(crowd.full).toBe(0);
		expect(budget.admits(10)).toBe(false);
		expect(crowd.full).toBe(1);
		for (let left = 80; left > 70; ) {
			expect(budget.admits(10)).toBe(false);
			budget.remove(command());
			left -= 1;
		}
		expect(budget.admits(10)).toBe(true);
		expect(crowd.full).toBe(0);
	});

	test("the same holds for bytes", () => {
		const crowd = { full: 0 };
		const budget = budgetOf(1000, 80 * (100 + OVERHEAD), crowd);
		fill(budget, 80, 100);
		expect(budget.admits(100)).toBe(false);
		for (let i = 0; i < 9; i++) budget.remove(command(100));
		expect(budget.admits(100)).toBe(false);
		budget.remove(command(100));
		expect(budget.admits(100)).toBe(true);
		expect(crowd.full).toBe(0);
	});

	test("that refused one command for its size alone stays open to others", () => {
		const crowd = { full: 0 };
		const budget = budgetOf(1000, 100_000, crowd);
		budget.add(command());
		expect(budget.admits(1_000_000)).toBe(false);
		expect(crowd.full).toBe(0);
		expect(budget.refusal).toBeNull();
		expect(budget.admits(10)).toBe(true);
	});

	test("of one command opens as soon as that came back", () => {
		const budget = budgetOf(1, 1_000_000);
		budget.add(command());
		expect(budget.admits(10)).toBe(false);
		budget.remove(command());
		expect(budget.admits(10)).toBe(true);
	});

	test("has one refusal for all calls of a tick, and says which node and which options", async () => {
		const budget = budgetOf(1, 1_000_000);
		expect(budget.refusal).toBeNull();
		budget.add(command());
		budget.admits(10);
		const first = budget.refusal;
		expect(budget.refusal).toBe(first);
		await expect(first).rejects.toMatchObject({
			code: "OVERLOADED",
			message: expect.stringMatching(/host:1.*pool\.maxQueuedCommands.*pool\.maxQueuedBytes/),
		});
		const second = budget.refusal;
		expect(second).not.toBe(first);
		await expect(second).rejects.toMatchObject({ code: "OVERLOADED" });
		budget.remove(command());
		expect(budget.refusal).toBeNull();
	});

	test("tells the crowd of itself once, however often it refuses", () => {
		const crowd = { full: 0 };
		const budgets = [budgetOf(1, 1_000_000, crowd), budgetOf(1, 1_000_000, crowd)];
		for (const budget of budgets) {
			budget.add(command());
			for (let i = 0; i < 3; i++) budget.admits(10);
		}
		expect(crowd.full).toBe(2);
		for (const budget of budgets) budget.remove(command());
		expect(crowd.full).toBe(0);
	});
});
