/** The cluster of a run, with a proxy before each node, and the eyes to see who serves what in it now. */
import { type ClusterNode, isWhole, type ServerCluster, seenBy, startCluster } from "../../fixtures/servers.js";
import { ClusterFront } from "../support/cluster-front.js";
import type { ProxiedConnection } from "../support/proxy.js";
import { SHARDS, shardOf } from "./shards.js";

/** What a connection's first bytes ask for: the nodes' own links to each other begin with PING. */
const HELLO = /^\*\d+\r\n\$5\r\nHELLO\r\n\$1\r\n([23])/;

export class World implements AsyncDisposable {
	readonly cluster: ServerCluster;
	readonly front: ClusterFront;
	/** The protocol of each connection that a client made. */
	readonly #clients = new WeakMap<ProxiedConnection, number>();
	readonly #hooks = new Map<ClusterNode, (connection: ProxiedConnection) => void>();

	private constructor(cluster: ServerCluster, front: ClusterFront) {
		this.cluster = cluster;
		this.front = front;
		for (const node of cluster.nodes) front.proxy(node).onConnection((connection) => this.#accepted(node, connection));
	}

	static async start(nodeTimeoutMs: number): Promise<World> {
		const args = ["--cluster-require-full-coverage", "no", "--repl-backlog-size", "32mb"];
		const cluster = await startCluster({ primaries: SHARDS, replicas: SHARDS, nodeTimeoutMs, args });
		try {
			return new World(cluster, await ClusterFront.start(cluster));
		} catch (error) {
			await cluster.stop();
			throw error;
		}
	}

	/** Who serves a shard's slots now, in the eyes of a node that runs. */
	async primaryOf(shard: number): Promise<ClusterNode> {
		const seen = await this.#seen();
		const found = seen.find(({ primary, slots }) => primary === undefined && slots.some(([first]) => shardOf(first) === shard));
		if (found === undefined) throw new Error(`Nobody serves shard ${shard}.`);
		return found.node;
	}

	async replicaOf(shard: number): Promise<ClusterNode> {
		const primary = await this.primaryOf(shard);
		const found = (await this.#seen()).find((each) => each.primary === primary);
		if (found === undefined) throw new Error(`Shard ${shard} has no replica.`);
		return found.node;
	}

	/** The open connections of clients to a node. */
	clients(node: ClusterNode): ProxiedConnection[] {
		return this.front.proxy(node).connections.filter((connection) => this.#clients.has(connection) && !connection.closed);
	}

	protocolOf(connection: ProxiedConnection): number | undefined {
		return this.#clients.get(connection);
	}

	/** Called for every new connection to the node, until the next hook; undefined for none. */
	onConnection(node: ClusterNode, hook: ((connection: ProxiedConnection) => void) | undefined): void {
		if (hook === undefined) this.#hooks.delete(node);
		else this.#hooks.set(node, hook);
	}

	whole(): Promise<void> {
		return isWhole(this.cluster, 60_000);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.front.close();
		await this.cluster.stop();
	}

	#accepted(node: ClusterNode, connection: ProxiedConnection): void {
		this.front.proxy(node).forgetClosed();
		let first = true;
		connection.toServer.tap((bytes) => {
			if (!first) return;
			first = false;
			const hello = HELLO.exec(bytes.toString("latin1", 0, 40));
			if (hello) this.#clients.set(connection, Number(hello[1]));
		});
		this.#hooks.get(node)?.(connection);
	}

	async #seen() {
		for (const node of this.cluster.nodes) {
			const seen = await seenBy(this.cluster, node).catch(() => null);
			if (seen !== null) return seen;
		}
		throw new Error("No node of the cluster answers.");
	}
}
