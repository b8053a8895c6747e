import { describe, expect, test } from "vitest";
import { Reporter } from "../../../src/cache/cache-events.js";

describe("listeners of a cache", () => {
	test("S2.9 each is told once, in the order in which they came; off() ends that", () => {
		const reporter = new Reporter();
		const told: string[] = [];
		const first = ({ key }: { key: string }): unknown => told.push(`first ${key}`);
		const second = ({ key }: { key: string }): unknown => told.push(`second ${key}`);
		for (const listener of [first, second, first]) reporter.on("set", listener);
		reporter.tell("set", { key: "a" });
		reporter.tell("delete", { key: "b" });
		reporter.off("set", first);
		reporter.off("delete", first);
		reporter.tell("set", { key: "c" });
		expect(told).toEqual(["first a", "second a", "second c"]);
	});

	test("S2.9 one that throws, or rejects, harms nobody", async () => {
		const reporter = new Reporter();
		const told: string[] = [];
		reporter.on("hit", () => {
			throw new Error("mine");
		});
		reporter.on("hit", async ({ key }) => {
			await null;
			throw new Error(key);
		});
		reporter.on("hit", ({ key }) => told.push(key));
		reporter.hit("a", false);
		// An unhandled rejection would fail this file.
		await new Promise((resolve) => setImmediate(resolve));
		expect(told).toEqual(["a"]);
		expect(reporter.counts.hits).toBe(1);
	});

	test("S2.9 one that comes or goes while others are told", () => {
		const reporter = new Reporter();
		const told: string[] = [];
		const late = (): unknown => told.push("late");
		const once = (): void => {
			told.push("once");
			reporter.off("set", once);
			reporter.on("set", late);
		};
		reporter.on("set", once);
		reporter.tell("set", { key: "a" });
		reporter.tell("set", { key: "a" });
		expect(told).toEqual(["once", "late"]);
	});

	test("S2.9 an event that there is not, or what is no listener, is refused", () => {
		const reporter = new Reporter();
		for (const name of ["hits", "", undefined, "__proto__"]) {
			expect(() => reporter.on(name as never, () => {})).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", index: 0 }));
			expect(() => reporter.off(name as never, () => {})).toThrow(
				expect.objectContaining({ code: "INVALID_ARGUMENT", index: 0 }),
			);
		}
		expect(() => reporter.on("hit", 1 as never)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", index: 1 }));
	});
});
