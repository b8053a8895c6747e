import { expect, test } from "vitest";
import { RawConnection } from "../../../src/cli/servers/raw-connection.js";
import { faults } from "../../chaos/faults.js";
import type { World } from "../../chaos/world.js";
import { FakeNode } from "../../support/fake-node.js";
import { type ProxiedConnection, TcpProxy } from "../../support/proxy.js";

const step = { number: 1, restMs: 0, fault: "", shard: 0, other: 1, force: 0, seed: 1 };

test.each(["silence both ways", "replies held"])("%s ends for connections that were made meanwhile, too", async (name) => {
	await using node = await FakeNode.start();
	node.always(["PING"], "+PONG\r\n");
	await using proxy = await TcpProxy.start(node);
	const world = {
		primaryOf: async () => node,
		// A client is known by its first bytes, and those have not passed yet.
		clients: () => [],
		onConnection: (_node: unknown, hook?: (connection: ProxiedConnection) => void) => proxy.onConnection(hook ?? (() => {})),
	} as unknown as World;
	const end = await faults[name]!.begin(world, step, { block: async () => {} });
	await using client = await RawConnection.open(proxy);
	const reply = client.command("PING");
	await end();
	expect(await reply).toBe("PONG");
});
