/** What is taught, as a reader runs it: compiled, importing the package by its name, each in a process that ends by itself. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createClient } from "../../src/index.js";
import { BuiltTeaching, type Run } from "../support/built-teaching.js";
import { blocksOf } from "../support/documented.js";

const documents = ["docs/concepts.md", "docs/patterns.md"];
let teaching: BuiltTeaching;

beforeAll(async () => {
	teaching = await BuiltTeaching.build(documents);
}, 120_000);
afterAll(() => teaching[Symbol.asyncDispose]());

/** Runs one; it has to say nothing on stderr, and to leave no key behind. */
async function clean(path: string, prefix: string, url: string): Promise<Run> {
	const run = await teaching.run(path, url);
	expect(run.stderr).toBe("");
	await using client = await createClient(url);
	const left: string[] = [];
	for await (const key of client.scan({ match: `*${prefix}*` })) left.push(key);
	expect(left).toEqual([]);
	return run;
}

/** On a server, and on a cluster. */
function everywhere(path: string, prefix: string): Promise<Run[]> {
	return Promise.all([clean(path, prefix, inject("standaloneUrl")), clean(path, prefix, inject("clusterUrl"))]);
}

test("S2.12 S2.6 S2.11 basics: types, times to live, flights, errors by code", async () => {
	const runs = await everywhere("examples/basics", "basics:");
	for (const [i, { code, stdout }] of runs.entries()) {
		expect(code).toBe(0);
		const nodes = i === 0 ? 1 : 3;
		expect(stdout).toContain("INCR twice: 1 2\n");
		expect(stdout).toContain("TTL in seconds: 300\n");
		expect(stdout).toContain("HGETALL: { name: 'Ann', city: 'Bern', logins: '4' }\n");
		expect(stdout).toContain("LPOP: resize - left: [ 'mail', 'index' ]\n");
		expect(stdout).toContain("SISMEMBER: 1 - SINTER: [ 'bob' ]\n");
		expect(stdout).toContain("the best two: [ [ 'cho', 125 ], [ 'bob', 120 ] ]\n");
		expect(stdout).toContain("one awaited after the other: commands 100, flights 100\n");
		expect(stdout).toContain(`setMany of the same: commands 100, flights ${nodes}\n`);
		expect(stdout).toMatch(new RegExp(`mget of all: commands \\d+, flights ${nodes}\\n`));
		expect(stdout).toContain(`issued in one tick: commands 100, flights ${nodes}\n`);
		expect(stdout).toMatch(/ 3\n +error WRONGTYPE\n +hello\n/);
		expect([...stdout.matchAll(/: ([A-Z_]+)$/gm)].map(([, word]) => word)).toEqual([
			"WRONGTYPE",
			"INVALID_OPTION",
			"ABORTED",
			"CONNECTION",
			"ERR",
		]);
		expect(stdout).toMatch(/maxmemory_policy: noeviction\n$/);
	}
});

test("S2.12 S2.2 S2.6 S2.7 S2.8 S2.9 patterns: each by how often the source is asked", async () => {
	const runs = await everywhere("examples/patterns", "patterns:");
	for (const [i, { code, stdout }] of runs.entries()) {
		expect(code).toBe(0);
		const asked = [...stdout.matchAll(/(?:source |first |again |pages )((?:not )?asked(?: once| \d+ times)?)$/gm)].map(
			([, how]) => how,
		);
		expect(asked).toEqual([
			...["asked once", "not asked"], // cache-aside
			"asked once", // a null
			"asked once", // negative
			"asked once", // stampede
			"asked 2 times", // stale while revalidate
			...["asked once", "asked once", "asked once"], // grace
			...["asked 3 times", "not asked", "asked 2 times"], // tags
			...["asked once", "not asked"], // many
			"asked once", // down
		]);
		expect(stdout).toContain("   null null - ");
		expect(stdout).toContain("   undefined undefined - ");
		expect(stdout).toContain("{ id: '2', price: 99 } - source not asked and has { id: '2', price: 99 }\n");
		expect(stdout).toContain("waiting: 2\n   written: [ 'views:1=5 views:2=1' ]\n");
		expect(stdout).toContain("answers: 200 - ");
		expect(stdout).toMatch(/has the old one: 14\n.*the new: 4 - /);
		expect(stdout).toContain("without an old value: the database is down - ");
		expect(stdout).toMatch(new RegExp(`again: products 100, flights ${i === 0 ? 1 : 3}, `));
		expect(stdout).toContain("the store failed 1 time, values not stored: 1\n");
	}
});

test("S3.10 S3.7 backends: the same checks with a server, on a cluster, and without any", async () => {
	const [server, cluster] = await everywhere("examples/backends", "backends:");
	const without = await teaching.run("examples/backends", "redis://127.0.0.1:1");
	for (const [run, served] of [
		[server, "a server"],
		[cluster, "a server"],
		[without, "memory"],
	] as const) {
		expect(run).toMatchObject({ code: 0, stderr: "" });
		expect(run?.stdout).toMatch(new RegExp(`\\nall right, on ${served}\\n$`));
		expect(run?.stdout.match(/^✓ /gm)).toHaveLength(17);
	}
	expect(server?.stdout).toContain("flights of both: 2\n");
	expect(without.stdout).toContain("no server (CONNECTION): memory serves\n");
});

const exercises = [
	["1-product-catalogue", 1],
	["2-prices-that-change", 2],
	["3-slow-source", 2],
] as const;

// The unsolved ones wait for most of their time.
describe.concurrent("beside each other", () => {
	test("S2.12 the exercises as they are run, and say kindly what is not right yet", async () => {
		const runs = await Promise.all(
			exercises.map(([name], i) => clean(`examples/exercises/${name}`, `exercise-${i + 1}:`, inject("standaloneUrl"))),
		);
		for (const [i, { code, stdout }] of runs.entries()) {
			const [, right] = exercises[i]!;
			expect(code).toBe(1);
			expect(stdout.match(/^✓ /gm)).toHaveLength(right);
			// What is not right has a hint that leads to its TODO.
			expect(stdout.match(/^· not yet: .*\n(?: {4}it threw .*\n| {4}there was no answer .*\n)? {4}TODO \d/gm)).toHaveLength(
				6 - right,
			);
			expect(stdout).toMatch(new RegExp(`\\n${right} of 6 are right\\. Next: TODO 1`));
		}
	});

	test.for([
		["S2.12 S2.10 every code block of docs/concepts.md gives what its comments say", "concepts"],
		["S2.12 S2.6 S2.7 S2.9 S2.11 every code block of docs/patterns.md gives what its comments say", "patterns"],
	] as const)("%s", async ([, name]) => {
		const { code, stdout } = await clean(
			`docs/${name}`,
			`${name === "concepts" ? "concepts" : "shop"}:`,
			inject("standaloneUrl"),
		);
		const lines = JSON.parse(stdout) as { right: number; wrong: number };
		const claims = (await blocksOf(`docs/${name}.md`)).flatMap(({ code }) => code.match(/→/g) ?? []).length;
		expect(claims).toBeGreaterThan(20);
		expect(lines).toEqual({ right: claims, wrong: 0 });
		expect(code).toBe(0);
	});
});

test("S2.12 their solutions pass the same checks", async () => {
	for (const [i, [name]] of exercises.entries()) {
		for (const { code, stdout } of await everywhere(`examples/exercises/solutions/${name}`, `exercise-${i + 1}:`)) {
			expect(stdout).not.toContain("not yet");
			expect(stdout).toContain("All 6 are right.");
			expect(code).toBe(0);
		}
	}
});
