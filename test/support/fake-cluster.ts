import { type Answer, FakeNode } from "./fake-node.js";
import { type SlotRange, slotsReply } from "./slots-reply.js";

/** HELLO's answer of a node in cluster mode; a standalone one's ends the start of a cluster client. */
const hello: Answer = ([, version]) =>
	`${version === "3" ? "%2" : "*4"}\r\n$5\r\nproto\r\n:${version}\r\n$4\r\nmode\r\n$7\r\ncluster\r\n`;

/** A fake node that is one of a cluster. Its CLUSTER SLOTS is still to be said: `node.always(["CLUSTER", "SLOTS"], …)`. */
export async function startFakeClusterNode(): Promise<FakeNode> {
	const node = await FakeNode.start();
	return node.always(["HELLO"], hello);
}

/** CLUSTER SLOTS in which each node has a range: `slotsOf([a, 0, 99], [b, 100, 16383])`. The id of a node is its port. */
export function slotsOf(...ranges: [node: { host: string; port: number }, first: number, last: number][]): string {
	return slotsReply(
		ranges.map(([{ host, port }, first, last]): SlotRange => ({ first, last, nodes: [{ host, port, id: `id-${port}` }] })),
	);
}

export function bulk(text: string): string {
	return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

/** How often a node was asked for its topology. */
export function refreshes(node: FakeNode): number {
	return node.commands.filter(([name, sub]) => name === "CLUSTER" && sub === "SLOTS").length;
}

/** The keys that GET asked a node for, in order. */
export function gets(node: FakeNode): string[] {
	return node.commands.filter(([name]) => name === "GET").map(([, key]) => key!);
}
