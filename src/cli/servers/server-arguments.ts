import { join } from "node:path";
import type { NodeOptions } from "./runtime.js";

export const TLS_FILES = { ca: "ca.pem", cert: "server.pem", key: "server-key.pem" } as const;

export interface Place {
	port: number;
	/** The server's directory as the server sees it. */
	dir: string;
	bind: string;
}

/** The whole command line of one server. What the caller asked for comes last, so that it wins. */
export function serverArguments(place: Place, options: NodeOptions, more: readonly string[]): string[] {
	const { port, dir, bind } = place;
	const args = ["--bind", bind, "--daemonize", "no", "--dir", dir, "--save", "", "--appendonly", "no"];
	if (options.tls) args.push(...tlsArguments(port, dir, options.tls.authClients ?? "no"));
	else args.push("--port", String(port));
	if (options.unixSocket) args.push("--unixsocket", socketPath(dir));
	if (options.password !== undefined) args.push("--requirepass", options.password, "--masterauth", options.password);
	return [...args, ...more, ...(options.args ?? [])];
}

function tlsArguments(port: number, dir: string, authClients: string): string[] {
	return [
		...["--port", "0", "--tls-port", String(port), "--tls-auth-clients", authClients],
		...["--tls-ca-cert-file", join(dir, TLS_FILES.ca)],
		...["--tls-cert-file", join(dir, TLS_FILES.cert), "--tls-key-file", join(dir, TLS_FILES.key)],
	];
}

export function socketPath(dir: string): string {
	return join(dir, "server.sock");
}

/** What makes a server a cluster node, but for its slots and neighbours. */
export function clusterArguments(options: NodeOptions & { nodeTimeoutMs?: number }): string[] {
	const args = ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"];
	args.push("--cluster-node-timeout", String(options.nodeTimeoutMs ?? 5000));
	// The default makes a replica wait 5 s for siblings before its first copy.
	args.push("--repl-diskless-sync-delay", "0");
	if (options.tls) args.push("--tls-cluster", "yes", "--tls-replication", "yes");
	return args;
}
