import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dockerProvider } from "../../fixtures/docker-provider.js";
import { packageRoot } from "../../fixtures/package-root.js";
import { type RawReply, raw, type ServerCluster, type ServerNode } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";

const run = promisify(execFile);
const runtime = await dockerProvider.find();
const compose = runtime && (await composeCommand());

/** `docker compose` or, of version 1, `docker-compose`. */
async function composeCommand(): Promise<string[] | null> {
	for (const command of [["docker", "compose"], ["docker-compose"]]) {
		const [file, ...args] = command as [string, ...string[]];
		if (await run(file, [...args, "version"]).catch(() => null)) return command;
	}
	return null;
}

type Range = [first: number, last: number, ...nodes: [host: string, port: number, id: string, ...RawReply[]][]];

/** Every address that CLUSTER SLOTS gives, asked from here: where a MOVED would send a client. */
async function followSlots(target: { host: string; port: number }): Promise<Range[]> {
	const ranges = (await raw(target, "CLUSTER", "SLOTS")) as Range[];
	for (const [, , ...nodes] of ranges) {
		for (const [host, port, id] of nodes) expect(await raw({ host, port }, "CLUSTER", "MYID")).toBe(id);
	}
	return ranges;
}

/** The client itself, through announced addresses: 512 keys over all primaries. */
async function useClient(url: string): Promise<void> {
	await using client = await createClient(url);
	const keys = Array.from({ length: 512 }, (_, i) => `docker:${i}`);
	await client.setMany(
		keys.map((key) => [key, key]),
		{ ex: 60 },
	);
	const { flights } = client.stats();
	expect(await client.mget(keys)).toEqual(keys);
	expect(client.stats().flights - flights).toBe(3);
}

test("where an engine is required there is one, with an image and compose", () => {
	if (process.env.SLOTWIRE_REQUIRE_DOCKER) expect([runtime?.kind, Array.isArray(compose)]).toEqual(["container", true]);
});

const noRuntime = runtime ? "" : " (skipped: no Docker engine with a server image answers)";
describe.skipIf(!runtime)(`testcontainers${noRuntime}`, () => {
	test("a standalone server", async () => {
		await using server: ServerNode = await runtime!.startStandalone({ password: "pw" });
		expect(await server.raw("SET", "k", "v")).toBe("OK");
		await server.kill();
		await server.restart();
		expect(await server.raw("GET", "k")).toBeNull();
		expect(await server.log()).toContain("Ready to accept connections");
	});

	test("a six-node cluster whose announced addresses work from the host", async () => {
		await using cluster: ServerCluster = await runtime!.startCluster({ primaries: 3, replicas: 3 });
		const ranges = await followSlots(cluster.nodes[5]!);
		expect(ranges.map((range) => range.length)).toEqual([4, 4, 4]);
		await useClient(cluster.url);
		const { host, port } = cluster.primaries[2]!;
		await expect(raw({ host, port }, "GET", "bar")).rejects.toThrow(`MOVED 5061 127.0.0.1:${cluster.primaries[0]!.port}`);
	});

	test("a slot's new primary after a failover", async () => {
		await using cluster = await runtime!.startCluster({ primaries: 1, replicas: 1, nodeTimeoutMs: 1000 });
		await cluster.replicas[0]!.raw("CLUSTER", "FAILOVER", "TAKEOVER");
		expect(String(await cluster.replicas[0]!.raw("ROLE"))).toMatch(/^master/);
	});
});

const noCompose = compose ? "" : " (skipped: no Docker engine with a server image, or no docker compose)";
describe.skipIf(!compose)(`docker-compose.cluster.yml${noCompose}`, () => {
	const up = async (...args: string[]) => {
		const [file, ...first] = compose as [string, ...string[]];
		const project = ["-p", `slotwire-test-${process.pid}`, "-f", join(packageRoot(), "docker-compose.cluster.yml")];
		return (await run(file, [...first, ...project, ...args])).stdout.trim();
	};
	beforeAll(() => up("up", "-d"));
	afterAll(() => up("down", "--volumes"));

	test("three primaries and three replicas on ports 7000-7005 of the host", async () => {
		const created = await up("ps", "-q", "create");
		const { stdout: code } = await run("docker", ["wait", created]);
		expect(code.trim()).toBe("0");
		for (const port of [7000, 7001, 7002, 7003, 7004, 7005]) {
			const ranges = await followSlots({ host: "127.0.0.1", port });
			expect(ranges.map(([first, last]) => [first, last])).toEqual(
				expect.arrayContaining([
					[0, 5460],
					[5461, 10922],
					[10923, 16383],
				]),
			);
			const ports = ranges.flatMap(([, , ...nodes]) => nodes.map((node) => node[1]));
			expect(ports.sort()).toEqual([7000, 7001, 7002, 7003, 7004, 7005]);
		}
		await expect(raw({ port: 7002 }, "GET", "bar")).rejects.toThrow("MOVED 5061 127.0.0.1:7000");
		await useClient("redis-cluster://127.0.0.1:7005");
	});
});
