import { SLOT_COUNT } from "../../src/slot.js";

export const FAKE_HOST = "127.0.0.1";

/**
 * CLUSTER SLOTS in RESP3 as Redis 7 words it: one primary for each port, with one replica.
 * @param fragmented every slot is a range of its own, dealt out in turn: the worst that resharding can make of a cluster
 */
export function slotsReply(ports: readonly number[], fragmented = false): Buffer {
	const ranges = fragmented ? fragments(ports.length) : evenRanges(ports.length);
	const rows = ranges.map(({ first, last, owner }) => {
		const port = ports[owner]!;
		return `*4\r\n:${first}\r\n:${last}\r\n${node(FAKE_HOST, port, 2 * owner)}${node("127.0.0.2", port, 2 * owner + 1)}`;
	});
	return Buffer.from(`*${rows.length}\r\n${rows.join("")}`);
}

export interface Range {
	first: number;
	last: number;
	owner: number;
}

/** All slots, in equal parts. */
export function evenRanges(owners: number): Range[] {
	const start = (owner: number): number => Math.floor((owner * SLOT_COUNT) / owners);
	return Array.from({ length: owners }, (_, owner) => ({ first: start(owner), last: start(owner + 1) - 1, owner }));
}

function fragments(owners: number): Range[] {
	return Array.from({ length: SLOT_COUNT }, (_, slot) => ({ first: slot, last: slot, owner: slot % owners }));
}

function node(host: string, port: number, number: number): string {
	const id = number.toString(16).padStart(40, "0");
	return `*4\r\n$${host.length}\r\n${host}\r\n:${port}\r\n$40\r\n${id}\r\n%0\r\n`;
}
