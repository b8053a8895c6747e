import type { RawArgument, RawConnection, RawReply, RawTarget } from "./raw-connection.js";

/** Certificates as PEM text; `ca` signs the server's certificate and the clients'. */
export interface ServerTls {
	ca: string;
	cert: string;
	key: string;
	/** Whether clients must show a certificate. The nodes of a cluster are each other's clients and show `cert`. Default "no". */
	authClients?: "no" | "optional" | "yes";
}

export interface NodeOptions {
	/** More configuration, as on the server's command line: `["--maxclients", "2"]`. */
	args?: readonly string[];
	/** Password of the default user, between the nodes of a cluster as well. */
	password?: string;
	/** Serves TLS and nothing else. */
	tls?: ServerTls;
	/** Also listens on a unix socket, `node.socketPath`. */
	unixSocket?: boolean;
}

export type StandaloneOptions = NodeOptions;

export interface ClusterOptions extends NodeOptions {
	/** Default 3. */
	primaries?: number;
	/** Replicas of the whole cluster, dealt out to the primaries in turn. Default 0. */
	replicas?: number;
	/** `cluster-node-timeout`: a node silent for so long counts as failed. Default 5000. */
	nodeTimeoutMs?: number;
}

export interface RestartOptions {
	/** Configuration for this run only, after that of the first start. */
	args?: readonly string[];
	/** "listening" resolves while the server still loads its data set. Default "ready". */
	until?: "ready" | "listening";
}

/** One running server. */
export interface ServerNode extends AsyncDisposable {
	readonly host: string;
	readonly port: number;
	/** `redis://` or `rediss://`, with the password if there is one. */
	readonly url: string;
	/** How to reach the server without the client under test. */
	readonly target: RawTarget;
	/** Undefined while it does not run, and where the process is not on this machine's process table. */
	readonly pid: number | undefined;
	/** Its working directory; undefined where it is not on this machine. */
	readonly dir: string | undefined;
	readonly socketPath: string | undefined;
	/** What it logged so far. */
	log(): Promise<string>;
	/** One command on a connection of its own; rejects on an error reply. */
	raw(...args: RawArgument[]): Promise<RawReply>;
	connect(): Promise<RawConnection>;
	/** Stops the process where it is (SIGSTOP): the kernel still accepts connections for it. Resolves when it has stopped. */
	pause(): Promise<void>;
	resume(): Promise<void>;
	/** SIGKILL; the directory stays for `restart`. Resolves when it has ended. */
	kill(): Promise<void>;
	/** Starts it again after `kill`, on the same port in the same directory. */
	restart(options?: RestartOptions): Promise<void>;
	/** Ends it for good and removes its directory. */
	stop(): Promise<void>;
}

export interface ClusterNode extends ServerNode {
	/** CLUSTER MYID */
	readonly id: string;
	/** The primary that it was made a replica of; undefined for a primary. Failovers do not change it. */
	readonly replicaOf: ClusterNode | undefined;
}

export interface ServerCluster extends AsyncDisposable {
	/** `redis-cluster://` or `rediss-cluster://` with every primary. */
	readonly url: string;
	readonly endpoints: readonly { host: string; port: number }[];
	/** The primaries, then the replicas, as the cluster was made. */
	readonly nodes: readonly ClusterNode[];
	readonly primaries: readonly ClusterNode[];
	readonly replicas: readonly ClusterNode[];
	stop(): Promise<void>;
}

/** Something that can start real servers. */
export interface ServerRuntime {
	/** For people: "Redis 7.0.15 (/usr/bin/redis-server)". */
	readonly name: string;
	/** "process" or "container": what `pid`, `dir` and unix sockets depend on. */
	readonly kind: "process" | "container";
	readonly product: "Redis" | "Valkey";
	readonly version: string;
	startStandalone(options?: StandaloneOptions): Promise<ServerNode>;
	startCluster(options?: ClusterOptions): Promise<ServerCluster>;
}

export interface ServerProvider {
	readonly name: string;
	/** Null when this way of getting a server does not exist here; rejects when it was asked for and does not work. */
	find(): Promise<ServerRuntime | null>;
}

/** The first runtime that a provider finds. */
export async function findRuntime(providers: readonly ServerProvider[]): Promise<ServerRuntime> {
	for (const provider of providers) {
		const runtime = await provider.find();
		if (runtime) return runtime;
	}
	const tried = providers.map((provider) => provider.name).join(", ");
	throw new Error(
		`No Redis or Valkey server was found (tried ${tried}): install redis-server or valkey-server, or start Docker.`,
	);
}

/** The primaries of a cluster as a URL. */
export function clusterUrl(primaries: readonly ServerNode[], options: NodeOptions): string {
	const auth = options.password === undefined ? "" : `:${encodeURIComponent(options.password)}@`;
	return `${options.tls ? "rediss" : "redis"}-cluster://${auth}${primaries.map((node) => `${node.host}:${node.port}`).join(",")}`;
}

export function nodeUrl(host: string, port: number, options: NodeOptions): string {
	const auth = options.password === undefined ? "" : `:${encodeURIComponent(options.password)}@`;
	return `${options.tls ? "rediss" : "redis"}://${auth}${host}:${port}`;
}
