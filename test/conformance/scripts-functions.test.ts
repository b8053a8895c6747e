/** SCRIPT and FUNCTION commands, and functions called by their keys; on a cluster every primary has to have them. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ServerCluster, type ServerNode, startCluster, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { BatchError, type Client, createClient } from "../../src/index.js";
import { rejectionOf } from "../support/secrets.js";

const library = (name: string, greeting = "hello"): string => `#!lua name=${name}
redis.register_function('${name}_put', function(keys, args) return redis.call('SET', keys[1], args[1]) end)
redis.register_function{
	function_name = '${name}_get',
	callback = function(keys, args) return {'${greeting}', redis.call('GET', keys[1])} end,
	flags = {'no-writes'},
	description = 'reads'
}`;

let standalone: ServerNode;
let cluster: ServerCluster;
beforeAll(async () => {
	[standalone, cluster] = await Promise.all([startStandalone(), startCluster({ replicas: 3 })]);
});
afterAll(async () => {
	await standalone?.stop();
	await cluster?.stop();
});

describe.each(["standalone", "cluster"] as const)("on a %s server", (topology) => {
	describe.each([2, 3] as const)("RESP%i", (protocol) => {
		let nodes: readonly ServerNode[];
		let client: Client;
		beforeAll(async () => {
			nodes = topology === "cluster" ? cluster.primaries : [standalone];
			client = await createClient({ url: (topology === "cluster" ? cluster : standalone).url, protocol });
		});
		afterAll(() => client?.close());
		beforeEach(async () => {
			await client.functionFlush();
			await client.scriptFlush();
		});

		const keys = Array.from({ length: 20 }, (_, i) => `function:${i}`);

		test("D51 SCRIPT LOAD reaches every primary, EXISTS asks all, FLUSH has all forget", async () => {
			const sha = await client.scriptLoad("return 'é'");
			expect(sha).toMatch(/^[0-9a-f]{40}$/);
			expect(await client.buffers.scriptLoad(Buffer.from("return 'é'"))).toBe(sha);
			for (const node of nodes) expect(await node.raw("SCRIPT", "EXISTS", sha)).toEqual([1]);
			const none = "0".repeat(40);
			expect(await client.scriptExists(sha, none)).toEqual([1, 0]);
			expect(await client.scriptExists([none, sha])).toEqual([0, 1]);
			expect(await client.scriptFlush({ mode: "sync" })).toBe("OK");
			expect(await client.scriptExists(sha)).toEqual([0]);
			expect(await client.scriptFlush({ mode: "async" })).toBe("OK");
			expect(await rejectionOf(client.scriptLoad("return ("))).toMatchObject({ code: topology === "cluster" ? "BATCH" : "ERR" });
		});

		test("D51 FUNCTION LOAD on every primary, FCALL by its keys, FCALL_RO what writes nothing", async () => {
			expect(await client.functionLoad(library("greet"))).toBe("greet");
			for (const node of nodes) expect(await node.raw("FUNCTION", "LIST")).toHaveLength(1);
			for (const key of keys) expect(await client.fcall("greet_put", [key], [`v ${key}`])).toBe("OK");
			for (const key of keys) expect(await client.fcallRo("greet_get", [key])).toEqual(["hello", `v ${key}`]);
			expect(await client.buffers.fcallRo("greet_get", [keys[0]!])).toEqual([Buffer.from("hello"), Buffer.from(`v ${keys[0]}`)]);
			expect(await client.get(keys[7]!)).toBe(`v ${keys[7]}`);
			expect(await rejectionOf(client.fcallRo("greet_put", [keys[0]!], ["x"]))).toMatchObject({ code: "ERR" });
			const piped = client.pipeline();
			for (const key of keys) piped.fcall("greet_put", [key], ["new"]).fcallRo("greet_get", [key]);
			expect(await piped.exec()).toEqual(keys.flatMap(() => ["OK", ["hello", "new"]]));
		});

		test("D51 a library is replaced when that is said, and an error that names every primary when not", async () => {
			await client.functionLoad(library("greet"));
			const again = await rejectionOf(client.functionLoad(library("greet", "hi")));
			if (topology === "cluster") {
				expect(again).toBeInstanceOf(BatchError);
				expect((again as BatchError).results).toHaveLength(3);
			}
			expect(again).toMatchObject({ message: expect.stringMatching(topology === "cluster" ? /3 of 3/ : /already exists/) });
			expect(await client.buffers.functionLoad(library("greet", "hi"), { replace: true })).toBe("greet");
			for (const key of keys) expect(await client.fcallRo("greet_get", [key])).toEqual(["hi", expect.anything()]);
		});

		test("D51 FUNCTION LIST tells the same in both protocols; DELETE and FLUSH reach every primary", async () => {
			await client.functionLoad(library("greet"));
			await client.functionLoad(library("part"));
			const libraries = await client.functionList({ libraryname: "gre*" });
			const functions = [
				{ name: "greet_get", description: "reads", flags: ["no-writes"] },
				{ name: "greet_put", description: null, flags: [] },
			];
			expect(libraries).toEqual([{ libraryName: "greet", engine: "LUA", functions: expect.arrayContaining(functions) }]);
			expect(libraries[0]!.functions).toHaveLength(2);
			expect(await client.buffers.functionList({ withcode: true, libraryname: "part" })).toMatchObject([
				{ libraryName: "part", libraryCode: library("part") },
			]);
			expect((await client.functionList()).map(({ libraryName }) => libraryName).sort()).toEqual(["greet", "part"]);
			expect(await client.functionDelete("greet")).toBe("OK");
			for (const node of nodes) expect(await node.raw("FUNCTION", "LIST")).toHaveLength(1);
			expect(await client.functionFlush({ mode: "sync" })).toBe("OK");
			for (const node of nodes) expect(await node.raw("FUNCTION", "LIST")).toEqual([]);
			expect(await client.functionList()).toEqual([]);
		});

		test("D51 FUNCTION DUMP is bytes in every view, and RESTORE brings them to every primary", async () => {
			await client.functionLoad(library("greet"));
			const payload = await client.functionDump();
			expect(payload).toBeInstanceOf(Buffer);
			expect(await client.buffers.functionDump()).toEqual(payload);
			await client.functionFlush();
			expect(await client.functionRestore(payload)).toBe("OK");
			for (const node of nodes) expect(await node.raw("FUNCTION", "LIST")).toHaveLength(1);
			await rejectionOf(client.functionRestore(payload));
			expect(await client.functionRestore(payload, { replace: true })).toBe("OK");
			expect(await client.functionRestore(payload, { flush: true })).toBe("OK");
			expect(await client.fcallRo("greet_get", ["nothing"])).toEqual(["hello", null]);
			if (topology === "standalone") {
				const [dump] = await client.pipeline().functionDump().exec();
				expect(dump).toEqual(payload);
			}
		});

		test("D51 FUNCTION STATS tells what runs; SCRIPT KILL ends a script, FUNCTION KILL a function", async () => {
			await client.functionLoad(library("greet"));
			expect(await client.functionStats()).toEqual({
				runningScript: null,
				engines: { LUA: { librariesCount: 1, functionsCount: 2 } },
			});
			expect(await rejectionOf(client.scriptKill())).toMatchObject({ code: topology === "cluster" ? "BATCH" : "NOTBUSY" });
			for (const node of nodes) await node.raw("CONFIG", "SET", "busy-reply-threshold", 50);
			// The connection that runs for ever is not one that others wait for.
			await using other = await createClient({ url: (topology === "cluster" ? cluster : standalone).url, protocol });
			const killed = rejectionOf(other.eval("while true do end", ["k"]));
			await waitUntil("a script is ended", async () => client.scriptKill().then(() => true, String));
			expect(await killed).toMatchObject({ message: expect.stringMatching(/killed by user/), maybeExecuted: true });
			const endless = "#!lua name=endless\nredis.register_function('endless', function() while true do end end)";
			await client.functionLoad(endless);
			const ended = rejectionOf(other.fcall("endless", ["k"]));
			await waitUntil("a function is ended", async () => client.functionKill().then(() => true, String));
			expect(await ended).toMatchObject({ message: expect.stringMatching(/killed by user/), maybeExecuted: true });
		});

		test("options of a wrong kind are refused by their name, before a byte is sent", async () => {
			const { bytesWritten } = client.stats();
			const refused: [() => Promise<unknown>, field: string | null][] = [
				[() => client.scriptFlush({ sync: 1 } as never), "sync"],
				[() => client.scriptFlush({ mode: "later" as never }), "mode"],
				[() => client.functionFlush({ lazy: true } as never), "lazy"],
				[() => client.functionLoad("code", { replace: "yes" } as never), "replace"],
				[() => client.functionLoad(5 as never), null],
				[() => client.scriptLoad(5 as never), null],
				[() => client.fcall(5 as never), null],
				[() => client.functionDelete(5 as never), null],
				[() => client.functionList({ libraryname: 5 } as never), "libraryname"],
				[() => client.functionList({ withcode: 1 } as never), "withcode"],
				[() => client.functionRestore("text" as never), null],
				[() => client.functionRestore(Buffer.alloc(1), { append: true, replace: true }), "replace"],
				[() => client.scriptExists(), null],
			];
			for (const [call, field] of refused) {
				const error = await rejectionOf(call());
				expect(error).toMatchObject(
					field === null ? { code: "INVALID_ARGUMENT", index: expect.any(Number) } : { code: "INVALID_OPTION", field },
				);
			}
			expect(client.stats().bytesWritten).toBe(bytesWritten);
		});
	});
});
