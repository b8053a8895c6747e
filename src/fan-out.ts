/** Commands without keys that go to several nodes, and how their replies become one. */
import type { CommandInfo, ResponsePolicy } from "./command-table.js";
import { BatchError, ClientError } from "./errors.js";
import type { Reply } from "./resp/reply.js";

/** Which nodes a keyless command goes to on a cluster; null: one primary is enough. */
export function scopeOf({ requestPolicy, responsePolicy, name }: CommandInfo): "primaries" | "all" | null {
	if (requestPolicy === "special") {
		throw new ClientError(
			"UNSUPPORTED",
			`${name}: its cursor belongs to one node; use ${name === "SCAN" ? "client.scan(), or withConnection({ node })" : "withConnection({ node })"}`,
		);
	}
	if (requestPolicy === "any" || responsePolicy === "special") return null;
	return requestPolicy === "all-nodes" ? "all" : "primaries";
}

/**
 * One reply out of the nodes' replies, in node order.
 * @throws BATCH with one result per node when a node failed that the policy needs
 */
export function combine(policy: ResponsePolicy, replies: (Reply | ClientError)[]): Reply {
	const good = replies.filter((reply) => !(reply instanceof ClientError));
	const enough = policy === "one-succeeded" ? good.length > 0 : good.length === replies.length;
	if (!enough) throw new BatchError(replies);
	const first = good[0] as Reply;
	switch (policy) {
		case "sum":
			return good.reduce<number>((sum, reply) => sum + Number(reply), 0);
		case "min":
			return Math.min(...good.map(Number));
		case "max":
			return Math.max(...good.map(Number));
		case "logical-and":
			return elementwise(good, (values) => Number(values.every((value) => Number(value) !== 0)));
		case "logical-or":
			return elementwise(good, (values) => Number(values.some((value) => Number(value) !== 0)));
		case "concat":
			return concat(good);
		default:
			return first;
	}
}

function elementwise(replies: Reply[], join: (values: Reply[]) => number): Reply {
	const first = replies[0];
	if (!Array.isArray(first)) return join(replies);
	return first.map((_, index) => join(replies.map((reply) => (reply as Reply[])[index] as Reply)));
}

/** Arrays and maps are joined; of other replies the first that is not null stands for all, as for RANDOMKEY. */
function concat(replies: Reply[]): Reply {
	if (replies.every((reply) => Array.isArray(reply))) return replies.flat(1) as Reply[];
	if (replies.every((reply) => reply instanceof Map)) return new Map(replies.flatMap((reply) => [...reply]));
	return replies.find((reply) => reply !== null) ?? null;
}
