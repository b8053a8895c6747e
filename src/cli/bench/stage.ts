/** The servers that cells are measured on, started when one needs them, and what they are asked about it. */
import type { ServerNode, ServerRuntime, ServerTls } from "../servers/runtime.js";
import type { Target } from "./adapter.js";
import { connectSlotwire } from "./adapters/slotwire.js";
import { isRead } from "./operation.js";
import { requestsOf, TTL_SECONDS, type Workload } from "./workload.js";

/** Certificates are not made here: whoever can make them hands them in. */
export type MakeCertificates = () => Promise<ServerTls>;

/** What servers counted, all nodes together. */
export interface ServerCounts {
	/** Calls of GET, MGET, SET. */
	commands: number;
	/** `keyspace_hits` */
	hits: number;
}

/** What decides on which servers a workload runs. */
export type Place = Pick<Workload, "topology" | "tls">;

interface Servers {
	nodes: readonly ServerNode[];
	target: Target;
	stop(): Promise<void>;
}

export class Stage implements AsyncDisposable {
	readonly #runtime: ServerRuntime;
	readonly #makeCertificates: MakeCertificates | undefined;
	readonly #started = new Map<string, Servers>();

	constructor(runtime: ServerRuntime, makeCertificates: MakeCertificates | undefined) {
		this.#runtime = runtime;
		this.#makeCertificates = makeCertificates;
	}

	get servers(): string {
		return `${this.#runtime.product} ${this.#runtime.version}`;
	}

	/** The servers of workloads that have one topology, empty but for the values that they read. */
	async prepare(workloads: readonly Workload[]): Promise<Target> {
		const { target } = await this.#find(workloads[0]!);
		await this.empty(workloads[0]!);
		for (const workload of workloads) if (isRead(workload)) await this.#store(target, workload);
		return target;
	}

	async empty(workload: Workload): Promise<void> {
		const { nodes } = await this.#find(workload);
		await Promise.all(nodes.map((node) => node.raw("FLUSHALL")));
	}

	async counts(workload: Workload): Promise<ServerCounts> {
		const counts = { commands: 0, hits: 0 };
		for (const node of (await this.#find(workload)).nodes) {
			const stats = String(await node.raw("INFO", "commandstats"));
			for (const [, calls] of stats.matchAll(/^cmdstat_(?:get|mget|set):calls=(\d+)/gm)) counts.commands += Number(calls);
			counts.hits += Number(/^keyspace_hits:(\d+)/m.exec(String(await node.raw("INFO", "stats")))?.[1]);
		}
		return counts;
	}

	/** Why what a write stored is not what it was given; null when it is. */
	async wrongWrite(workload: Workload): Promise<string | null> {
		await using client = await connectSlotwire((await this.#find(workload)).target);
		const request = requestsOf(workload)[0]!;
		const values = await client.buffers.mget(request.keys);
		for (const [i, key] of request.keys.entries()) {
			if (!values[i]?.equals(request.values[i]!)) return `a wrong value stored at position ${i}`;
			const ttl = await client.command("TTL", key);
			if (workload.call === "setMany" && !(Number(ttl) > 0)) return `no time to live at position ${i}`;
		}
		return null;
	}

	/** Those of a place, started when nobody needed them before. */
	async at(place: Place): Promise<Pick<Servers, "nodes" | "target">> {
		return await this.#find(place);
	}

	/** Stops what no workload of `later` needs. */
	async keepOnly(later: readonly Place[]): Promise<void> {
		const needed = new Set(later.map(keyOf));
		for (const [key, { stop }] of this.#started) {
			if (needed.has(key)) continue;
			this.#started.delete(key);
			await stop();
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.keepOnly([]);
	}

	async #find(workload: Place): Promise<Servers> {
		const key = keyOf(workload);
		const started = this.#started.get(key) ?? (await this.#start(workload));
		this.#started.set(key, started);
		return started;
	}

	async #start({ topology, tls }: Place): Promise<Servers> {
		const certificates = tls ? await this.#certificates() : undefined;
		const options = certificates === undefined ? {} : { tls: certificates };
		const ca = certificates === undefined ? {} : { ca: certificates.ca };
		if (topology === "standalone") {
			const server = await this.#runtime.startStandalone(options);
			return {
				nodes: [server],
				target: { host: server.host, ports: [server.port], cluster: false, ...ca },
				stop: () => server.stop(),
			};
		}
		const cluster = await this.#runtime.startCluster({ ...options, primaries: Number(topology.slice("cluster-".length)) });
		const ports = cluster.endpoints.map(({ port }) => port);
		const target = { host: cluster.endpoints[0]!.host, ports, cluster: true, ...ca };
		return { nodes: cluster.nodes, target, stop: () => cluster.stop() };
	}

	async #certificates(): Promise<ServerTls> {
		if (this.#makeCertificates === undefined)
			throw new Error("workloads over TLS need certificates, which are made in slotwire's repository only");
		return await this.#makeCertificates();
	}

	async #store(target: Target, workload: Workload): Promise<void> {
		await using client = await connectSlotwire(target);
		for (const { keys, values } of requestsOf(workload))
			await client.setMany(
				keys.map((key, i) => [key, values[i]!]),
				{ ex: TTL_SECONDS },
			);
	}
}

function keyOf({ topology, tls }: Place): string {
	return tls ? `${topology}+tls` : topology;
}
