/**
 * What so many primaries cost before a command is sent: reading CLUSTER SLOTS, and keeping the map. Pure parts of the client, no socket.
 * `node --expose-gc topology-worker.js PRIMARIES` prints its figures as JSON.
 */
import { SlotMap } from "../../src/cluster/slot-map.js";
import { parseClusterSlots, type ShardView } from "../../src/cluster/topology.js";
import { Decoder } from "../../src/resp/decoder.js";
import type { Reply } from "../../src/resp/reply.js";
import { SLOT_COUNT } from "../../src/slot.js";
import { costOf, memoryOf } from "./cost.js";
import { FAKE_HOST, slotsReply } from "./slots-reply.js";

/** What a read of a socket has at most. */
const READ_BYTES = 64 * 1024;
const FIRST_PORT = 10_000;

export interface TopologyFigures {
	replyBytes: number;
	/** CPU microseconds. */
	decode: number;
	parse: number;
	assign: number;
	/** The three together, where every slot is a range of its own. */
	fragmented: number;
	/** Bytes kept. */
	shardBytes: number;
	mapBytes: number;
}

const seed = { host: FAKE_HOST, port: FIRST_PORT };

function decode(bytes: Buffer): Reply {
	let reply: Reply = null;
	const decoder = new Decoder({
		replyType: "string",
		onReply: (value) => {
			reply = value;
		},
	});
	for (let at = 0; at < bytes.length; at += READ_BYTES) decoder.write(bytes.subarray(at, at + READ_BYTES));
	return reply;
}

function assign(shards: readonly ShardView[]): SlotMap<ShardView> {
	const map = new SlotMap<ShardView>();
	for (const shard of shards) for (const [first, last] of shard.ranges) map.assign(first, last, shard);
	return map;
}

function measure(primaries: number): TopologyFigures {
	const ports = Array.from({ length: primaries }, (_, i) => FIRST_PORT + i);
	const bytes = slotsReply(ports);
	const reply = decode(bytes);
	const shards = parseClusterSlots(reply, seed);
	const map = assign(shards);
	if (shards.length !== primaries || map.assigned !== SLOT_COUNT) throw new Error("the reply was not read whole");
	const worst = slotsReply(ports, true);
	return {
		replyBytes: bytes.length,
		decode: costOf(() => decode(bytes)),
		parse: costOf(() => parseClusterSlots(reply, seed)),
		assign: costOf(() => assign(shards)),
		fragmented: costOf(() => assign(parseClusterSlots(decode(worst), seed))),
		shardBytes: memoryOf(() => parseClusterSlots(decode(bytes), seed)),
		mapBytes: memoryOf(() => assign(shards)),
	};
}

process.stdout.write(JSON.stringify(measure(Number(process.argv[2]))));
