import { parseRaw } from "../../src/cli/servers/raw-connection.js";
import type { Cut, TcpProxy } from "./proxy.js";

/** Cuts a connection in front of every so many-th reply of these types, by their first byte, counted over all connections. */
export function cutReplies(proxy: TcpProxy, every: number, types: string, how: Cut): void {
	let replies = 0;
	proxy.onConnection(({ server, toClient }) => {
		let rest: Buffer = Buffer.alloc(0);
		let position = 0;
		let cut = false;
		// In front of the flow: it must know where to stop before it has the bytes.
		server.prependListener("data", (chunk: Buffer) => {
			rest = Buffer.concat([rest, chunk]);
			for (let parsed = parseRaw(rest); parsed !== undefined && !cut; parsed = rest.length > 0 ? parseRaw(rest) : undefined) {
				if (types.includes(String.fromCharCode(rest[0] as number)) && ++replies % every === 0) {
					cut = true;
					toClient.cutAt(position, how);
				}
				position += parsed.end;
				rest = rest.subarray(parsed.end);
			}
		});
	});
}
