import { type ClusterNode, type ServerCluster, waitUntil } from "../../fixtures/servers.js";
import type { RestartOptions } from "../../src/cli/servers/runtime.js";
import { TcpProxy } from "./proxy.js";

/**
 * A proxy before every node of a real cluster, announced by the nodes themselves: topology replies and redirections name the proxies,
 * so that clients need no map of addresses. The nodes' own bus goes past them; a replica's link to its primary goes through them.
 */
export class ClusterFront implements AsyncDisposable {
	readonly cluster: ServerCluster;
	readonly #proxies: ReadonlyMap<ClusterNode, TcpProxy>;

	private constructor(cluster: ServerCluster, proxies: ReadonlyMap<ClusterNode, TcpProxy>) {
		this.cluster = cluster;
		this.#proxies = proxies;
	}

	/** Resolves when every node announces its proxy to every other one. */
	static async start(cluster: ServerCluster): Promise<ClusterFront> {
		const proxies = await Promise.all(cluster.nodes.map(async (node) => [node, await TcpProxy.start(node)] as const));
		const front = new ClusterFront(cluster, new Map(proxies));
		try {
			for (const node of cluster.nodes) await node.raw("CONFIG", "SET", "cluster-announce-port", front.proxy(node).port);
			await front.#announced();
		} catch (error) {
			await front.close();
			throw error;
		}
		return front;
	}

	get url(): string {
		return `redis-cluster://${this.cluster.primaries.map((node) => `${node.host}:${this.proxy(node).port}`).join(",")}`;
	}

	get proxies(): TcpProxy[] {
		return [...this.#proxies.values()];
	}

	proxy(node: ClusterNode): TcpProxy {
		return this.#proxies.get(node)!;
	}

	/** Starts a killed node again behind its proxy: a setting made while it ran would be forgotten. */
	async restart(node: ClusterNode, { args = [], until }: RestartOptions = {}): Promise<void> {
		const announced = ["--cluster-announce-port", String(this.proxy(node).port)];
		await node.restart({ args: [...announced, ...args], ...(until ? { until } : {}) });
	}

	async close(): Promise<void> {
		await Promise.all(this.proxies.map((proxy) => proxy.close()));
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	#announced(): Promise<void> {
		const ports = this.proxies.map(({ port }) => port);
		return waitUntil("the announced ports", async () => {
			for (const node of this.cluster.nodes) {
				const view = String(await node.raw("CLUSTER", "NODES"));
				const missing = ports.find((port) => !view.includes(`:${port}@`));
				if (missing !== undefined) return `${node.port} does not know port ${missing}`;
			}
			return true;
		});
	}
}
