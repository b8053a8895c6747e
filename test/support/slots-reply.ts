export interface SlotRange {
	first: number;
	last: number;
	/** The primary, then its replicas. */
	nodes: readonly { host: string | null; port: number; id: string }[];
}

/** A CLUSTER SLOTS reply for a fake node, without metadata. */
export function slotsReply(ranges: readonly SlotRange[]): string {
	const rows = ranges.map(({ first, last, nodes }) => {
		const shown = nodes.map(({ host, port, id }) => `*3\r\n${bulk(host)}:${port}\r\n${bulk(id)}`);
		return `*${2 + nodes.length}\r\n:${first}\r\n:${last}\r\n${shown.join("")}`;
	});
	return `*${ranges.length}\r\n${rows.join("")}`;
}

function bulk(text: string | null): string {
	return text === null ? "$-1\r\n" : `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}
