/** The pools of a cluster's nodes, found by any address a node is known by. */
import type { ConnectionContext } from "../connection/connection.js";
import { type Endpoint, formatEndpoint } from "../endpoint.js";
import { ClientError } from "../errors.js";
import { checkEndpoint } from "../options.js";
import { Pool, type PoolObserver } from "../pool.js";
import { type NodeView, ownId } from "./topology.js";

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
	/** Connections to read from replicas, which no write may go on: pools of their own, by the replica's address. */
	readonly #readers = new Map<string, Pool>();

	constructor(context: ConnectionContext, observer: PoolObserver) {
		this.#context = context;
		this.#observer = observer;
	}

	/** Those that commands for the nodes themselves go to. */
	pools(): ReadonlySet<Pool> {
		return this.#pools;
	}

	/** Every pool there is. */
	all(): Pool[] {
		return [...this.#pools, ...this.#readers.values(), ...this.#leaving];
	}

	find(address: string): Pool | undefined {
		return this.#byAddress.get(address);
	}

	/** The pool for an address, made when the address is new. */
	at(endpoint: Endpoint): Pool {
		const address = formatEndpoint(endpoint);
		return this.#byAddress.get(address) ?? this.#make(endpoint, address);
	}

	#make(endpoint: Endpoint, address: string): Pool {
		const pool = new Pool(endpoint, this.#context, this.#observer);
		this.#pools.add(pool);
		this.#byAddress.set(address, pool);
		return pool;
	}

	/** The pool to read from a replica, made when the address is new. */
	reader(endpoint: Endpoint): Pool {
		const address = formatEndpoint(endpoint);
		let pool = this.#readers.get(address);
		if (pool === undefined) {
			pool = new Pool(endpoint, this.#context, this.#observer, true);
			this.#readers.set(address, pool);
		}
		return pool;
	}

	/**
	 * The pool that a node of the topology has already. It connects to one of the node's addresses: names move from address to address, and
	 * addresses from node to node, so one that was known by the same name alone may reach another node.
	 */
	known(node: NodeView): Pool | undefined {
		const addresses = this.#addressesOf(node).map(formatEndpoint);
		const pools = [this.#byId.get(node.id), ...addresses.map((address) => this.#byAddress.get(address))];
		return pools.find((pool) => pool !== undefined && addresses.includes(formatEndpoint(pool.endpoint)));
	}

	/** The pool of a node of the topology: a redirection may name it by ip where the topology has its hostname, and it stays one pool. */
	of(node: NodeView): Pool {
		const addresses = this.#addressesOf(node);
		const [preferred] = addresses as [Endpoint, ...Endpoint[]];
		const pool = this.known(node) ?? this.#make(preferred, formatEndpoint(preferred));
		for (const address of addresses) this.#byAddress.set(formatEndpoint(address), pool);
		this.#byId.set(node.id, pool);
		return pool;
	}

	/** Whoever is connected to from now on has to be the node that the topology has there; any of them, where `natMap` has several. */
	identify(nodes: readonly NodeView[]): void {
		const expected = new Map<Pool, string | undefined>();
		for (const node of nodes) {
			const id = ownId(node);
			const address = formatEndpoint(this.translate(node.endpoint));
			for (const pool of [this.#byAddress.get(address), this.#readers.get(address)]) {
				if (pool !== undefined) expected.set(pool, expected.has(pool) && expected.get(pool) !== id ? undefined : id);
			}
		}
		for (const [pool, id] of expected) pool.identity = id;
	}

	#addressesOf(node: NodeView): Endpoint[] {
		return [node.endpoint, ...node.aliases].map((endpoint) => this.translate(endpoint));
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
			this.#letGo(pool);
		}
		for (const [address, pool] of this.#readers) {
			if (current.has(pool)) continue;
			this.#readers.delete(address);
			this.#letGo(pool);
		}
	}

	#letGo(pool: Pool): void {
		const gone = new ClientError("CONNECTION", `${formatEndpoint(pool.endpoint)} is not used any more: the topology has changed`);
		if (!pool.isReady) {
			pool.destroy(gone);
			return;
		}
		this.#leaving.add(pool);
		void pool.close(this.#context.settings.timeouts.closeMs, gone).finally(() => this.#leaving.delete(pool));
	}

	destroy(cause?: Error): void {
		for (const pool of this.all()) pool.destroy(cause);
		this.#pools.clear();
		this.#readers.clear();
		this.#byAddress.clear();
		this.#byId.clear();
	}
}
