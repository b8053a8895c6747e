import type { ServerNode } from "../../fixtures/servers.js";
import { parseRaw } from "../../src/cli/servers/raw-connection.js";
import { TcpProxy } from "./proxy.js";

/** A proxy before each node of a real cluster, or before a standalone server, that keeps what clients said, connection by connection. */
export class ClusterTaps implements AsyncDisposable {
	readonly #taps = new Map<ServerNode, { proxy: TcpProxy; said: Buffer[][] }>();

	static async start(nodes: readonly ServerNode[]): Promise<ClusterTaps> {
		const taps = new ClusterTaps();
		for (const node of nodes) {
			const said: Buffer[][] = [];
			const proxy = await TcpProxy.start(node);
			proxy.onConnection(({ index, toServer }) => {
				const pieces: Buffer[] = [];
				said[index] = pieces;
				toServer.tap((bytes) => pieces.push(Buffer.from(bytes)));
			});
			taps.#taps.set(node, { proxy, said });
		}
		return taps;
	}

	/** For the option `cluster.natMap`: sends a client to the proxies. */
	get natMap(): Record<string, string> {
		return Object.fromEntries([...this.#taps].map(([node, { proxy }]) => [addressOf(node), addressOf(proxy)]));
	}

	get url(): string {
		return `redis-cluster://${[...this.#taps.values()].map(({ proxy }) => addressOf(proxy)).join(",")}`;
	}

	proxy(node: ServerNode): TcpProxy {
		return this.#taps.get(node)!.proxy;
	}

	/** The commands sent to a node, those of each connection in their order, handshakes and refreshes left out. */
	commands(node: ServerNode): string[][][] {
		return this.#taps.get(node)!.said.map((pieces) => commandsIn(Buffer.concat(pieces)));
	}

	/** How often any node was asked for its topology. */
	refreshes(): number {
		const said = [...this.#taps.values()].flatMap((tap) => tap.said.map((pieces) => allCommands(Buffer.concat(pieces))));
		return said.flat().filter(([name, sub]) => name === "CLUSTER" && sub === "SLOTS").length;
	}

	/** Forgets what was said so far; every command must have been answered. */
	clear(): void {
		for (const { said } of this.#taps.values()) for (const pieces of said) pieces.length = 0;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await Promise.all([...this.#taps.values()].map(({ proxy }) => proxy.close()));
	}
}

function commandsIn(bytes: Buffer): string[][] {
	return allCommands(bytes).filter(([name]) => !/^(HELLO|CLIENT|CLUSTER)$/.test(name!));
}

function allCommands(bytes: Buffer): string[][] {
	const commands: string[][] = [];
	for (let parsed = parseRaw(bytes); parsed !== undefined; parsed = parseRaw(bytes, parsed.end)) {
		commands.push(parsed.reply as string[]);
		if (parsed.end === bytes.length) break;
	}
	return commands;
}

function addressOf({ host, port }: { host: string; port: number }): string {
	return `${host}:${port}`;
}
