import { connect, createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createClient } from "../../src/index.js";
import { bulk, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import type { FakeNode } from "../support/fake-node.js";

const hasIpv6 = Object.values(networkInterfaces())
	.flat()
	.some((address) => address?.address === "::1");

describe.runIf(hasIpv6)("nodes on the IPv6 loopback", () => {
	let a: FakeNode;
	let b: FakeNode;
	/** Leads from [::1] to b. */
	let relay: Server;
	let port: number;
	beforeEach(async () => {
		[a, b] = await Promise.all([startFakeClusterNode(), startFakeClusterNode()]);
		b.always(["GET"], bulk("from b"));
		relay = createServer((socket) => {
			const onward = connect(b.port, b.host);
			socket.pipe(onward).pipe(socket);
			for (const [one, other] of [
				[socket, onward],
				[onward, socket],
			] as const) {
				one.on("error", () => other.destroy());
				one.on("close", () => other.destroy());
			}
		});
		await new Promise<void>((resolve) => relay.listen(0, "::1", resolve));
		port = (relay.address() as { port: number }).port;
	});
	afterEach(async () => {
		await Promise.all([a.close(), b.close()]);
		await new Promise((resolve) => relay.close(resolve));
	});

	test.each([
		2, 3,
	] as const)("D08 CLUSTER SLOTS names a node by its bare address, and MOVED of it is met, RESP%i", async (protocol) => {
		a.always(["CLUSTER", "SLOTS"], slotsOf([a, 0, 99], [{ host: "::1", port }, 100, 16383]));
		await using client = await createClient({ nodes: [{ host: a.host, port: a.port }], protocol });
		expect(await client.get("bar")).toBe("from b");
		expect(client.stats().redirections).toBe(0);
	});

	test.each(["::1", "[::1]"])("D08 MOVED and ASK to %s", async (host) => {
		a.always(["CLUSTER", "SLOTS"], slotsOf([a, 0, 16383]));
		let kind = "MOVED";
		a.always(["GET"], () => `-${kind} 5061 ${host}:${port}\r\n`);
		b.always(["ASKING"], "+OK\r\n").always(["CLUSTER", "SLOTS"], "-ERR not now\r\n");
		for (kind of ["ASK", "MOVED"]) {
			await using client = await createClient({ nodes: [{ host: a.host, port: a.port }] });
			expect(await client.get("bar")).toBe("from b");
			expect(client.stats().connections).toBe(2);
		}
	});

	test("D08 a seed in brackets, a topology that names no host", async () => {
		b.always(["CLUSTER", "SLOTS"], `*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$-1\r\n:${port}\r\n$1\r\nb\r\n`);
		await using client = await createClient(`redis-cluster://[::1]:${port}`);
		expect(await client.get("bar")).toBe("from b");
		expect(client.stats().connections).toBe(1);
	});
});
