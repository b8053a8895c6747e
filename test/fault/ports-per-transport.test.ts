/** A server that speaks TLS beside plain TCP announces one kind of port to everybody, often the wrong one. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Certificates, certificates } from "../../fixtures/certificates.js";
import { moveSlot, nodeOfSlot, type ServerCluster, startCluster } from "../../fixtures/servers.js";
import { freePort } from "../../src/cli/servers/free-port.js";
import type { Endpoint } from "../../src/endpoint.js";
import { createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { bulk, gets, startFakeClusterNode } from "../support/fake-cluster.js";
import { rejectionOf } from "../support/secrets.js";
import { slotsReply } from "../support/slots-reply.js";

const SLOT = 5061; // of "bar"
const keys = Array.from({ length: 60 }, (_, i) => `ports:${i}`);

// The certificates have to lie where the server can read them.
describe.runIf(inject("server").kind === "process")("a cluster that also speaks TLS and announces its plain ports", () => {
	let cluster: ServerCluster;
	let ca: Certificates["ca"];
	/** TLS port by plain port. */
	const tlsPorts = new Map<number, number>();

	beforeAll(async () => {
		cluster = await startCluster();
		const made = await certificates();
		ca = made.ca;
		for (const node of cluster.nodes) {
			const files = { "tls-ca-cert-file": ca, "tls-cert-file": made.server.cert, "tls-key-file": made.server.key };
			const settings: string[] = [];
			for (const [name, pem] of Object.entries(files)) {
				const path = join(node.dir!, `${name}.pem`);
				await writeFile(path, pem, { mode: 0o600 });
				settings.push(name, path);
			}
			const port = await freePort({ withBus: false });
			await node.raw("CONFIG", "SET", "tls-auth-clients", "no", ...settings, "tls-port", port);
			tlsPorts.set(node.port, port);
		}
	});
	afterAll(() => cluster?.stop());

	function toTls({ host, port }: Endpoint): Endpoint {
		return { host, port: tlsPorts.get(port) ?? port };
	}

	const forms: [string, () => Record<string, string> | ((node: Endpoint) => Endpoint)][] = [
		["an object", () => Object.fromEntries(cluster.nodes.map((node) => [addressOf(node), addressOf(toTls(node))]))],
		["a function that changes the port alone", () => toTls],
	];

	function connect(natMap?: Record<string, string> | ((node: Endpoint) => Endpoint), seed = cluster.primaries[0]!) {
		const url = `rediss-cluster://${addressOf(toTls(seed))}`;
		return createClient({
			url,
			tls: { ca },
			// A connection that cannot be had would be waited for.
			timeouts: { closeMs: 100 },
			// No refresh comes to help where MOVED is followed to the wrong port.
			cluster: { refreshMs: 0, minRefreshMs: 60_000, ...(natMap === undefined ? {} : { natMap }) },
		});
	}

	test.each(forms)("D07 natMap as %s leads every slot and every MOVED to the TLS ports", async (_, natMap) => {
		await using client = await connect(natMap());
		expect(await client.setMany(keys.map((key) => [key, key] as const))).toEqual(keys.map(() => "OK"));
		expect(await client.mget(keys)).toEqual(keys);
		expect(client.stats()).toMatchObject({ redirections: 0, connections: 3 });
		const source = await nodeOfSlot(cluster, SLOT);
		const target = cluster.primaries.find((node) => node !== source)!;
		await moveSlot(cluster, SLOT, target);
		try {
			await expect(source.raw("GET", "bar")).rejects.toThrow(`MOVED ${SLOT} ${addressOf(target)}`);
			expect(await client.get("bar")).toBeNull();
			expect(client.stats()).toMatchObject({ redirections: 1, connections: 3, reconnects: 0 });
		} finally {
			await moveSlot(cluster, SLOT, source);
		}
	});

	test("D07 without a natMap a command ends by its deadline with a typed error, and is not spoken in clear", async () => {
		// The seed itself is announced by a port that does not speak TLS either.
		await using client = await connect();
		const error = await rejectionOf(client.with({ timeoutMs: 300 }).set("bar", "v"));
		expect(["TIMEOUT", "CONNECTION"]).toContain(error.code);
		for (const node of cluster.primaries) expect(await node.raw("CLUSTER", "COUNTKEYSINSLOT", SLOT)).toBe(0);
	});
});

describe.each([0, 65_536])("a node announced with port %i", (port) => {
	test("D07 is dialled by nobody, and its slots are asked of a primary that is known", async () => {
		await using node = await startFakeClusterNode();
		node.always(
			["CLUSTER", "SLOTS"],
			slotsReply([
				{ first: 0, last: 9999, nodes: [{ host: node.host, port: node.port, id: "a" }] },
				{ first: 10_000, last: 16_383, nodes: [{ host: node.host, port, id: "b" }] },
			]),
		);
		node.always(["GET"], ([, key]) => (key === "foo" ? "-CLUSTERDOWN Hash slot not served\r\n" : bulk("v")));
		// The periodic refresh is off and no connection is lost: what is asked is asked for the gap.
		await using client = await createClient({ nodes: [addressOf(node)], cluster: { refreshMs: 0, minRefreshMs: 10 } });
		expect(await client.get("bar")).toBe("v");
		await expect(client.with({ timeoutMs: 500 }).get("foo")).rejects.toMatchObject({
			code: "TIMEOUT",
			cause: expect.objectContaining({ code: "CLUSTERDOWN" }),
		});
		expect(gets(node)).toContain("foo");
		expect(client.stats().connections).toBe(1);
	});
});
