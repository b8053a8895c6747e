import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type FormedNode, formCluster } from "./cluster-formation.js";
import { BUS_OFFSET } from "./free-port.js";
import {
	type ClusterNode,
	type ClusterOptions,
	clusterUrl,
	type ServerCluster,
	type ServerNode,
	type ServerRuntime,
	type StandaloneOptions,
} from "./runtime.js";
import { clusterArguments } from "./server-arguments.js";
import { launchServer, type ServerBinary, type ServerProcess } from "./server-process.js";

const run = promisify(execFile);

/** A server binary on this machine. */
export class LocalRuntime implements ServerRuntime {
	readonly kind = "process";
	readonly name: string;
	readonly product: "Redis" | "Valkey";
	readonly version: string;
	/** What it starts. */
	readonly binary: ServerBinary;

	private constructor(binary: ServerBinary, product: "Redis" | "Valkey", version: string) {
		this.binary = binary;
		this.product = product;
		this.version = version;
		this.name = `${product} ${version} (${binary.path})`;
	}

	/** Rejects when the file is not a server that can run here. */
	static async create(path: string, env: Readonly<Record<string, string>> = {}): Promise<LocalRuntime> {
		const { stdout } = await run(path, ["--version"], { env: { ...process.env, ...env } });
		const found = /^(Redis|Valkey) server v=(\S+)/i.exec(stdout);
		if (!found) throw new Error(`${path} is not a Redis or Valkey server.`);
		return new LocalRuntime({ path, env }, found[1]!.toLowerCase() === "valkey" ? "Valkey" : "Redis", found[2]!);
	}

	startStandalone(options: StandaloneOptions = {}): Promise<ServerNode> {
		return launchServer(this.binary, options);
	}

	async startCluster(options: ClusterOptions = {}): Promise<ServerCluster> {
		const { primaries = 3, replicas = 0 } = options;
		const more = clusterArguments(options);
		const starts = Array.from({ length: primaries + replicas }, () =>
			launchServer(this.binary, options, { more, withBus: true }),
		);
		try {
			const servers = await Promise.all(starts);
			const formed = await formCluster(servers.map(asMember), primaries);
			return assembleCluster(servers, formed, options);
		} catch (error) {
			for (const start of await Promise.allSettled(starts)) if (start.status === "fulfilled") await start.value.stop();
			throw error;
		}
	}
}

function asMember({ target, host, port }: ServerProcess) {
	return { target, address: { host, port, busPort: port + BUS_OFFSET } };
}

/** The servers, primaries first, as one cluster with one end. */
export function assembleCluster(
	servers: readonly ServerNode[],
	formed: readonly FormedNode[],
	options: ClusterOptions,
	afterStop: () => Promise<void> = async () => {},
): ServerCluster {
	const nodes: ClusterNode[] = [];
	for (const [index, server] of servers.entries()) {
		const { id, replicaOf } = formed[index]!;
		nodes.push(Object.assign(server, { id, replicaOf: replicaOf === undefined ? undefined : nodes[replicaOf] }));
	}
	const primaries = nodes.filter((node) => node.replicaOf === undefined);
	const stop = async () => {
		await Promise.all(nodes.map((node) => node.stop()));
		await afterStop();
	};
	return {
		url: clusterUrl(primaries, options),
		endpoints: primaries.map(({ host, port }) => ({ host, port })),
		nodes,
		primaries,
		replicas: nodes.filter((node) => node.replicaOf !== undefined),
		stop,
		[Symbol.asyncDispose]: stop,
	};
}
