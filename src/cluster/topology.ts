/**
 * Reads CLUSTER SLOTS. Pure: a reply and who gave it in, shards out.
 *
 *     [[start, end, primary, replica…], …]      node: [host, port, id?, metadata?]
 *
 * | host | means |
 * |---|---|
 * | a name or address | that |
 * | null, "" | the host of the node that answered |
 * | "?" | unknown: the metadata's ip when it has one, otherwise nobody can connect |
 *
 * @see https://valkey.io/commands/cluster-slots/
 */
import type { Endpoint } from "../endpoint.js";
import { ClientError } from "../errors.js";
import type { Reply } from "../resp/reply.js";
import { SLOT_COUNT } from "../slot.js";

export interface NodeView {
	/** The node's identity; its `host:port` where the server gives none. */
	readonly id: string;
	readonly endpoint: Endpoint;
	/** Other addresses it is known by: redirections may name any of them. */
	readonly aliases: readonly Endpoint[];
}

export interface ShardView {
	readonly primary: NodeView;
	readonly replicas: readonly NodeView[];
	/** Slots from, to, both included. */
	readonly ranges: (readonly [number, number])[];
}

/**
 * The shards of a CLUSTER SLOTS reply; slots of a primary with no usable address are in none.
 * @throws CLUSTER when the reply is malformed or serves no slot: such a view is never adopted.
 */
export function parseClusterSlots(reply: Reply, answeredBy: Endpoint): ShardView[] {
	if (!Array.isArray(reply)) throw malformed();
	const shards = new Map<string, ShardView>();
	let slots = 0;
	for (const range of reply) {
		if (!Array.isArray(range) || range.length < 3) throw malformed();
		const [start, end, first, ...rest] = range;
		if (!isSlot(start) || !isSlot(end) || start > end) throw malformed();
		// Also the bound of how many primaries a reply can make us connect to.
		slots += end - start + 1;
		if (slots > SLOT_COUNT) throw malformed();
		const primary = parseNode(first as Reply, answeredBy);
		if (primary === null) continue;
		let shard = shards.get(primary.id);
		if (shard === undefined) {
			const replicas = rest.map((node) => parseNode(node, answeredBy)).filter((node) => node !== null);
			shard = { primary, replicas, ranges: [] };
			shards.set(primary.id, shard);
		}
		shard.ranges.push([start, end]);
	}
	if (shards.size === 0) throw new ClientError("CLUSTER", "the node knows no slots that a reachable node serves");
	return [...shards.values()];
}

function parseNode(reply: Reply, answeredBy: Endpoint): NodeView | null {
	if (!Array.isArray(reply) || reply.length < 2) throw malformed();
	const [host, port, id] = reply;
	if (host !== null && typeof host !== "string") throw malformed();
	if (typeof port !== "number" || !Number.isInteger(port)) throw malformed();
	if (port < 1 || port > 65_535) return null;
	const metadata = parseMetadata(reply[3]);
	const names = [host === null || host === "" ? answeredBy.host : host, metadata.get("ip"), metadata.get("hostname")];
	const usable = [...new Set(names.filter((name) => name !== undefined && name !== "" && name !== "?"))] as string[];
	// An unknown endpoint is reachable by its ip alone: its hostname, if it had one, would have stood in its place.
	if (host === "?" && !metadata.get("ip")) return null;
	const [endpoint, ...aliases] = usable.map((name) => ({ host: name, port }));
	if (endpoint === undefined) return null;
	return { id: typeof id === "string" && id !== "" ? id : addressAsId(endpoint), endpoint, aliases };
}

function addressAsId({ host, port }: Endpoint): string {
	return `${host}:${port}`;
}

/** What the node itself answers to CLUSTER MYID; undefined where the server gave no identities. */
export function ownId({ id, endpoint }: NodeView): string | undefined {
	return id === addressAsId(endpoint) ? undefined : id;
}

/** Metadata is a map in RESP3, a flat array in RESP2. A value that is no text says nothing: `null` is no host of that name. */
function parseMetadata(reply: Reply | undefined): Map<string, string> {
	const fields = new Map<string, string>();
	const add = (field: Reply, value: Reply): void => {
		if (typeof field === "string" && typeof value === "string") fields.set(field, value);
	};
	if (reply instanceof Map) {
		for (const [field, value] of reply) add(field, value);
	} else if (Array.isArray(reply)) {
		for (let i = 0; i + 1 < reply.length; i += 2) add(reply[i] as Reply, reply[i + 1] as Reply);
	}
	return fields;
}

function isSlot(value: Reply | undefined): value is number {
	return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < SLOT_COUNT;
}

function malformed(): ClientError {
	return new ClientError("CLUSTER", "the reply to CLUSTER SLOTS is malformed");
}

/** Whether two views give every slot to the same primary, whatever their replicas. */
export function sameOwners(a: readonly ShardView[], b: readonly ShardView[]): boolean {
	return ownersOf(a) === ownersOf(b);
}

/** The primaries of `view` that have to give slots to others where `news` holds. */
export function displaced(view: readonly ShardView[], news: readonly ShardView[]): NodeView[] {
	const owners = new Map<number, string>();
	for (const { primary, ranges } of news) {
		for (const [start, end] of ranges) for (let slot = start; slot <= end; slot++) owners.set(slot, primary.id);
	}
	const keepsAll = ({ primary, ranges }: ShardView): boolean =>
		ranges.every(([start, end]) => {
			for (let slot = start; slot <= end; slot++) if (owners.get(slot) !== primary.id) return false;
			return true;
		});
	return view.filter((shard) => !keepsAll(shard)).map((shard) => shard.primary);
}

function ownersOf(view: readonly ShardView[]): string {
	const owned = view.flatMap(({ primary, ranges }) => ranges.map(([start, end]) => ({ start, end, id: primary.id })));
	owned.sort((one, other) => one.start - other.start);
	// Neighbouring ranges of one primary may be told apart in one view and together in another.
	const joined: typeof owned = [];
	for (const range of owned) {
		const before = joined[joined.length - 1];
		if (before !== undefined && before.id === range.id && before.end + 1 === range.start) before.end = range.end;
		else joined.push(range);
	}
	return joined.map(({ start, end, id }) => `${start}-${end} ${id}`).join();
}
