/** A PING that is answered with an error is answered. */
import { rm } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

interface Trouble {
	readonly args: readonly string[];
	/** Brings the server into a state in which PING is refused. */
	begin(server: ServerNode): Promise<void>;
	/** Ends that state, where there is a way. */
	end(server: ServerNode): Promise<void>;
}

const troubles: Record<"MISCONF" | "LOADING" | "BUSY", Trouble> = {
	MISCONF: {
		args: ["--save", "1 1"],
		async begin(server) {
			if (server.dir === undefined) throw new Error("This test takes away the directory that the server saves to.");
			await rm(server.dir, { recursive: true });
			await server.raw("SET", "changed", "1");
			await server.raw("BGSAVE");
			await waitUntil("a failed save", async () => {
				const info = String(await server.raw("INFO", "persistence"));
				return info.includes("rdb_last_bgsave_status:err") || info;
			});
		},
		end: async () => {},
	},
	LOADING: {
		args: [],
		async begin(server) {
			await server.raw("EVAL", "for i=1,2000 do redis.call('set', 'k'..i, i) end", 0);
			await server.raw("SAVE");
			await server.kill();
			const slow = ["--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"];
			await server.restart({ args: slow, until: "listening" });
		},
		async end(server) {
			await waitUntil("the end of the load", async () => {
				const info = String(await server.raw("INFO", "persistence"));
				return info.includes("loading:0") || info;
			});
		},
	},
	BUSY: {
		args: ["--lua-time-limit", "20"],
		async begin(server) {
			const endless = server.raw("EVAL", "while true do end", 0);
			endless.catch(() => {});
			await waitUntil("a busy server", async () => {
				const error = await rejectionOf(server.raw("GET", "k")).catch(() => null);
				return /BUSY/.test(String(error)) || "not busy";
			});
		},
		async end(server) {
			await server.raw("SCRIPT", "KILL");
		},
	},
};

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each(["MISCONF", "LOADING", "BUSY"] as const)("C30 N9 -%s to PING: the connections are kept", async (code) => {
		const { args, begin, end } = troubles[code];
		await using server = await startStandalone({ args });
		// One that begins during the load is the one to look at: the earlier ones ended with the process.
		if (code === "LOADING") await begin(server);
		await using proxy = await TcpProxy.start(server);
		const verdicts = new Map<number, number>();
		proxy.onConnection(({ index, toClient }) => {
			toClient.tap((bytes) => {
				const seen = bytes.toString("latin1").split(`-${code} `).length - 1;
				verdicts.set(index, (verdicts.get(index) ?? 0) + seen);
			});
		});
		await using client = await createClient({ url: proxy.url, protocol, pool: { pingMs: 30 }, timeouts: { suspectMs: 100 } });
		await client.withConnection({}, async () => {});
		const id = await client.command("CLIENT", "ID");
		if (code !== "LOADING") await begin(server);
		await waitUntil("PINGs refused on both connections", () => {
			const counts = [verdicts.get(0) ?? 0, verdicts.get(1) ?? 0];
			return Math.min(...counts) >= 5 || counts.join();
		});
		await end(server);
		expect(await client.get("none")).toBeNull();
		expect(await client.command("CLIENT", "ID")).toBe(id);
		expect(await client.withConnection({}, async (own) => own.get("none"))).toBeNull();
		expect(client.stats()).toMatchObject({ reconnects: 0, connections: 2 });
		expect(proxy.connections).toHaveLength(2);
	});
});
