import type { Socket } from "node:net";

/**
 * Resets a connection. While the FIN of an `end()` is under way libuv refuses to, and Node then forgets the handle without closing it: no
 * "close" event ever comes, and the process stays alive for it. So the FIN goes first.
 */
export function reset(socket: Socket): void {
	const ending = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
	if (ending && !socket.destroyed) socket.once("finish", () => socket.resetAndDestroy());
	else socket.resetAndDestroy();
}
