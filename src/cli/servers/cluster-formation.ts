import { RawConnection, type RawReply, type RawTarget } from "./raw-connection.js";
import { waitUntil } from "./wait-until.js";

export interface Member {
	/** Where this process reaches the node. */
	target: RawTarget;
	/** Where its neighbours reach it. */
	address: { host: string; port: number; busPort: number };
}

export interface FormedNode {
	id: string;
	/** Index of its primary; undefined for a primary. */
	replicaOf: number | undefined;
}

const SLOTS = 16384;
const FORMATION_MS = 60_000;

interface Node extends FormedNode {
	member: Member;
	connection: RawConnection;
	slots: [first: number, last: number] | undefined;
}

/**
 * Makes one cluster out of empty nodes, the first `primaries` of them primaries, and resolves when every node says `cluster_state:ok`,
 * all agree on who serves which slots, and every replica has a copy. Slots and epochs are given out and replicas attached before
 * the nodes meet, so that the first gossip already carries the final state; nothing has to be elected or corrected.
 */
export async function formCluster(members: readonly Member[], primaries: number): Promise<FormedNode[]> {
	const connections = await Promise.all(members.map((member) => RawConnection.open(member.target)));
	try {
		const nodes = await Promise.all(
			members.map(async (member, index): Promise<Node> => {
				const connection = connections[index]!;
				const id = String(await connection.command("CLUSTER", "MYID"));
				await connection.command("CLUSTER", "SET-CONFIG-EPOCH", index + 1);
				const replicaOf = index < primaries ? undefined : (index - primaries) % primaries;
				return { member, connection, id, replicaOf, slots: replicaOf === undefined ? share(index, primaries) : undefined };
			}),
		);
		await Promise.all(nodes.map(giveSlots));
		await Promise.all(nodes.map((node) => attachReplica(node, nodes)));
		for (const node of nodes) {
			for (const other of nodes) if (other !== node) await meet(node, other);
		}
		await waitUntil("a working cluster", () => missing(nodes), { timeoutMs: FORMATION_MS, everyMs: 50 });
		return nodes.map(({ id, replicaOf }) => ({ id, replicaOf }));
	} finally {
		for (const connection of connections) connection.close();
	}
}

/** Resolves when every node that answers agrees with the first one; after changes that a test made itself. */
export async function clusterAgrees(targets: readonly RawTarget[], timeoutMs = 15_000): Promise<void> {
	const connections = await Promise.all(targets.map((target) => RawConnection.open(target)));
	try {
		await waitUntil(
			"agreement of all nodes",
			async () => {
				const views = await Promise.all(
					connections.map(async (connection) => view(await connection.command("CLUSTER", "SLOTS"))),
				);
				return (
					views.every((each) => each === views[0]) || `the nodes still disagree on the slots: ${[...new Set(views)].join(" or ")}`
				);
			},
			{ timeoutMs },
		);
	} finally {
		for (const connection of connections) connection.close();
	}
}

function share(index: number, primaries: number): [number, number] {
	return [Math.round((index * SLOTS) / primaries), Math.round(((index + 1) * SLOTS) / primaries) - 1];
}

async function giveSlots({ connection, slots }: Node): Promise<void> {
	if (slots === undefined) return;
	const [first, last] = slots;
	try {
		await connection.command("CLUSTER", "ADDSLOTSRANGE", first, last);
	} catch {
		// Before 7.0 every slot has to be named.
		await connection.command("CLUSTER", "ADDSLOTS", ...Array.from({ length: last - first + 1 }, (_, offset) => first + offset));
	}
}

async function attachReplica(node: Node, nodes: readonly Node[]): Promise<void> {
	if (node.replicaOf === undefined) return;
	const primary = nodes[node.replicaOf]!;
	await meet(node, primary);
	await waitUntil("a replica that knows its primary", async () => {
		try {
			await node.connection.command("CLUSTER", "REPLICATE", primary.id);
			return true;
		} catch (error) {
			return (error as Error).message;
		}
	});
	await waitUntil("a replica with a copy", () => hasCopy(node));
	// Nodes leave a replica at offset 0 out of CLUSTER SLOTS, and without this its first byte would be a PING 10 s later.
	await primary.connection.command("FLUSHALL");
	await waitUntil("a replica with an offset", async () => {
		return !(await replication(node)).includes("slave_repl_offset:0\r") || "nothing was replicated yet";
	});
}

async function hasCopy(node: Node): Promise<true | string> {
	return (await replication(node)).includes("master_link_status:up") || "its link to the primary is down";
}

async function replication({ connection }: Node): Promise<string> {
	return String(await connection.command("INFO", "replication"));
}

async function meet(node: Node, other: Node): Promise<void> {
	const { host, port, busPort } = other.member.address;
	await node.connection.command("CLUSTER", "MEET", host, port, busPort);
}

/** True when the cluster works as it should, else what is missing. */
async function missing(nodes: readonly Node[]): Promise<true | string> {
	const expected = expectedView(nodes);
	for (const node of nodes) {
		const { connection, member } = node;
		const name = `${member.address.host}:${member.address.port}`;
		const info = String(await connection.command("CLUSTER", "INFO"));
		if (!info.includes("cluster_state:ok")) return `${name} does not say cluster_state:ok`;
		if (!info.includes(`cluster_known_nodes:${nodes.length}\r`)) return `${name} does not know ${nodes.length} nodes`;
		const own = String(await connection.command("CLUSTER", "NODES")).match(/^\S+ (\S*):.* ?myself/m);
		if (!own?.[1]) return `${name} does not know its own address`;
		if (view(await connection.command("CLUSTER", "SLOTS")) !== expected) return `${name} has another view of the slots`;
		const copy = node.replicaOf === undefined || (await hasCopy(node));
		if (copy !== true) return `${name}: ${copy}`;
	}
	return true;
}

function expectedView(nodes: readonly Node[]): string {
	return nodes
		.flatMap((node, index) => {
			if (node.slots === undefined) return [];
			const replicas = nodes.filter((other) => other.replicaOf === index).map((other) => other.id);
			return [[...node.slots, node.id, ...replicas.sort()].join(" ")];
		})
		.sort()
		.join("\n");
}

/** A CLUSTER SLOTS reply by node id, free of order and of the form in which hosts are shown. */
function view(reply: RawReply): string {
	const ranges = reply as [number, number, ...[string, number, string][]][];
	return ranges
		.map(([first, last, primary, ...replicas]) =>
			[first, last, primary?.[2], ...replicas.map((each) => each[2]).sort()].join(" "),
		)
		.sort()
		.join("\n");
}
