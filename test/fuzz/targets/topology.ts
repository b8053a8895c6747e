/**
 * Replies to CLUSTER SLOTS. Each is a view that can be adopted (slots that exist, nodes that can be dialled, no more slots than there are), or CLUSTER.
 */
import { type NodeView, parseClusterSlots, type ShardView, sameOwners } from "../../../src/cluster/topology.js";
import { ClientError } from "../../../src/errors.js";
import type { Reply } from "../../../src/resp/reply.js";
import { ReplyMode } from "../../../src/resp/reply.js";
import { SLOT_COUNT } from "../../../src/slot.js";
import { bounded } from "../allocation.js";
import { Broken } from "../broken.js";
import { drawFor, feed, randomCuts } from "../feed.js";
import type { Target } from "../targets.js";

const answeredBy = { host: "10.0.0.1", port: 7000 };

/** The view of a reply, or the code it was refused with. */
function viewOf(reply: Reply): ShardView[] | string {
	try {
		return parseClusterSlots(reply, answeredBy);
	} catch (error) {
		if (error instanceof ClientError && error.code === "CLUSTER") return error.code;
		throw error;
	}
}

function checkNode({ id, endpoint, aliases }: NodeView): void {
	if (typeof id !== "string" || id === "") throw new Broken("a node has no identity");
	for (const { host, port } of [endpoint, ...aliases]) {
		if (typeof host !== "string" || host === "" || host === "?") throw new Broken("a node has no host");
		if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Broken("a node has no port");
	}
}

function checkView(view: ShardView[]): void {
	if (view.length === 0) throw new Broken("an empty view was accepted");
	let slots = 0;
	for (const { primary, replicas, ranges } of view) {
		for (const node of [primary, ...replicas]) checkNode(node);
		for (const [start, end] of ranges) {
			if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && end < SLOT_COUNT && start <= end))
				throw new Broken("a range of slots is none");
			slots += end - start + 1;
		}
	}
	if (slots > SLOT_COUNT) throw new Broken("a view has more slots than there are");
	if (!sameOwners(view, view)) throw new Broken("a view does not agree with itself");
}

export const topology: Target = {
	name: "topology",
	share: 9,
	seeds: ({ topologies }) => topologies,
	run: (input) => {
		const random = drawFor(input);
		const { events, refused } = feed("resp3", input, randomCuts(input, random), ReplyMode.string);
		let outcome = refused ?? "accepted";
		for (const event of events) {
			if (!("reply" in event)) continue;
			const view = bounded(input.length, () => viewOf(event.reply));
			if (typeof view === "string") outcome = view;
			else checkView(view);
		}
		return outcome;
	},
};
