import { connect, type Socket } from "node:net";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";

/** A real server that stands still behind a full backlog: Linux drops the SYN of every further connection, as a dead host would. */
export async function startUnreachable(): Promise<ServerNode & { reachable(): Promise<void> }> {
	const server = await startStandalone({ args: ["--tcp-backlog", "1"] });
	await server.pause();
	const fill: Socket[] = [];
	for (let i = 0; i < 8; i++) fill.push(connect(server.port, server.host).on("error", () => {}));
	const connected = () => fill.filter((socket) => socket.readyState === "open").length;
	await waitUntil("a full backlog", () => connected() >= 2 || `${connected()} connected`);
	const empty = () => {
		for (const socket of fill) socket.destroy();
	};
	return Object.assign(server, {
		/** From now on it accepts; what was dropped is sent again by the kernel, a second after the first time. */
		async reachable() {
			empty();
			await server.resume();
		},
		async [Symbol.asyncDispose]() {
			empty();
			await server.stop();
		},
	});
}
