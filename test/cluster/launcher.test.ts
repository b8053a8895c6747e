import { existsSync } from "node:fs";
import { expect, inject, test } from "vitest";
import {
	beginMigration,
	finishMigration,
	migrateKeys,
	moveSlot,
	nodeOfSlot,
	RawConnection,
	startCluster,
	startStandalone,
} from "../../fixtures/servers.js";

const local = inject("server").kind === "process";

test("a standalone server with a password, ACL users and a unix socket", async () => {
	await using server = await startStandalone({ requirepass: "pw", users: { alice: "on >secret ~* +@all" }, unixSocket: local });
	expect(server.url).toBe(`redis://:pw@${server.host}:${server.port}`);
	await using alice = await RawConnection.open({ ...server.target, username: "alice", password: "secret" });
	expect(await alice.command("ACL", "WHOAMI")).toBe("alice");
	await expect(RawConnection.open({ ...server.target, password: "wrong" })).rejects.toThrow("WRONGPASS");
	if (!local) return;
	await using socket = await RawConnection.open({ path: server.socketPath!, password: "pw" });
	expect(await socket.command("PING")).toBe("PONG");
});

test("a TLS server asks for the certificates made on the spot", async () => {
	await using server = await startStandalone({ tls: "mutual" });
	expect(server.url).toMatch(/^rediss:/);
	expect(await server.raw("PING")).toBe("PONG");
	const { ca } = server.target.tls!;
	await using anonymous = await RawConnection.open({ port: server.port, tls: { ca: ca! } });
	await expect(anonymous.command("PING")).rejects.toThrow();
});

test("pause, resume, kill and restart", async () => {
	await using server = await startStandalone();
	await server.pause();
	await using waiting = await RawConnection.open(server.target);
	const reply = waiting.command("PING");
	await server.resume();
	expect(await reply).toBe("PONG");
	await server.kill();
	await expect(server.raw("PING")).rejects.toThrow();
	await server.restart({ args: ["--maxclients", "7"], until: "listening" });
	expect(await server.raw("CONFIG", "GET", "maxclients")).toEqual(["maxclients", "7"]);
});

test("servers that start at once get ports and directories of their own, and leave nothing", async () => {
	const servers = await Promise.all(Array.from({ length: 8 }, () => startStandalone()));
	expect(new Set(servers.map((server) => server.port)).size).toBe(8);
	await Promise.all(servers.map((server) => server.stop()));
	for (const { dir, pid } of servers) {
		expect(pid).toBeUndefined();
		if (dir !== undefined) expect(existsSync(dir)).toBe(false);
	}
});

test("a wrong configuration is reported in the server's words", async () => {
	await expect(startStandalone({ args: ["--no-such-option", "1"] })).rejects.toThrow("no-such-option");
});

test("a slot can be left half moved and moved whole", async () => {
	await using cluster = await startCluster({ replicas: 1 });
	const [source, target] = cluster.primaries as [(typeof cluster.primaries)[0], (typeof cluster.primaries)[0]];
	expect(cluster.replicas[0]!.replicaOf).toBe(source);
	expect(await nodeOfSlot(cluster, 5061)).toBe(source);
	await source.raw("MSET", "{bar}1", "a", "{bar}2", "b");
	await beginMigration(source, target, 5061);
	await migrateKeys(source, target, ["{bar}1"]);
	await expect(source.raw("GET", "{bar}1")).rejects.toThrow(/^ASK 5061/);
	await expect(source.raw("MGET", "{bar}1", "{bar}2")).rejects.toThrow("TRYAGAIN");
	await finishMigration(cluster, source, target, 5061);
	expect(await target.raw("MGET", "{bar}1", "{bar}2")).toEqual(["a", "b"]);
	await moveSlot(cluster, 5061, source);
	expect(await source.raw("GET", "{bar}2")).toBe("b");
});
