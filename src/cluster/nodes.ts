/** The pools of a cluster's nodes, found by any address a node is known by. */
import type { ConnectionContext } from "../connection/connection.js";
import { formatEndpoint } from "../connection/socket.js";
import { checkEndpoint } from "../options.js";
import { Pool, type PoolObserver } from "../pool.js";
import type { Endpoint } from "../request.js";
import type { NodeView } from "./topology.js";

export class Nodes {
	readonly #context: ConnectionContext;
	readonly #observer: PoolObserver;
	/** Every one that was not let go of; a pool may have lost all its addresses to another one of the same node. */
	readonly #pools = new Set<Pool>();
	/** Let go of, but not done with what they were asked. */
	readonly #leaving = new Set<Pool>();
	/** Under `host:port` of each of its addresses. */
	readonly #byAddress = new Map<string, Pool>();
	readonly #byId = new Map<string, Pool>();

	constructor(context: ConnectionContext, observer: PoolObserver) {
		this.#context = context;
		this.#observer = observer;
	}

	pools(): ReadonlySet<Pool> {
		return this.#pools;
	}

	find(address: string): Pool | undefined {
		return this.#byAddress.get(address);
	}

	/** The pool for an address, made when the address is new. */
	at(endpoint: Endpoint): Pool {
		const address = formatEndpoint(endpoint);
		let pool = this.#byAddress.get(address);
		if (pool === undefined) {
			pool = new Pool(endpoint, this.#context, this.#observer);
			this.#pools.add(pool);
			this.#byAddress.set(address, pool);
		}
		return pool;
	}

	/** The pool of a node of the topology: a redirection may name it by ip where the topology has its hostname, and it stays one pool. */
	of(node: NodeView): Pool {
		const addresses = [node.endpoint, ...node.aliases].map((endpoint) => this.translate(endpoint));
		const preferred = addresses[0] as Endpoint;
		const known = this.#byId.get(node.id);
		const sameAddress =
			known !== undefined && addresses.some((address) => formatEndpoint(address) === formatEndpoint(known.endpoint));
		const reached = addresses.map((address) => this.#byAddress.get(formatEndpoint(address))).find((pool) => pool !== undefined);
		const pool = (sameAddress ? known : reached) ?? this.at(preferred);
		for (const address of addresses) this.#byAddress.set(formatEndpoint(address), pool);
		this.#byId.set(node.id, pool);
		return pool;
	}

	/**
	 * Where a node that names itself `endpoint` is reached from here.
	 * @throws INVALID_OPTION when the caller's `natMap` gives no address
	 */
	translate(endpoint: Endpoint): Endpoint {
		const { natMap } = this.#context.settings.cluster;
		if (natMap === undefined) return endpoint;
		const mapped = typeof natMap === "function" ? natMap(endpoint) : natMap[formatEndpoint(endpoint)];
		if (mapped === undefined && typeof natMap !== "function") return endpoint;
		return checkEndpoint(mapped, "cluster.natMap");
	}

	/**
	 * Lets go of every node that is not in `current`: it answers what it was asked, then its connections end; at once where it
	 * was asked nothing, for want of a connection.
	 */
	keep(current: ReadonlySet<Pool>): void {
		for (const [address, pool] of this.#byAddress) if (!current.has(pool)) this.#byAddress.delete(address);
		for (const [id, pool] of this.#byId) if (!current.has(pool)) this.#byId.delete(id);
		for (const pool of this.#pools) {
			if (current.has(pool)) continue;
			this.#pools.delete(pool);
			if (pool.isReady) {
				this.#leaving.add(pool);
				void pool.close(this.#context.settings.timeouts.closeMs).finally(() => this.#leaving.delete(pool));
			} else pool.destroy();
		}
	}

	destroy(cause?: Error): void {
		for (const pool of [...this.#pools, ...this.#leaving]) pool.destroy(cause);
		this.#pools.clear();
		this.#byAddress.clear();
		this.#byId.clear();
	}
}
