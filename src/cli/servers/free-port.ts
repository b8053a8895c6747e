import { createServer } from "node:net";

/**
 * Data ports come from 10000-19999 and bus ports (data port + 10000) from 20000-29999: the two never collide, both are below 65536,
 * and both lie outside the range from which Linux and macOS hand out ports to outgoing connections.
 */
const FIRST_PORT = 10_000;
const PORTS = 10_000;
export const BUS_OFFSET = 10_000;

const handedOut = new Set<number>();

/**
 * A port on which nothing listens now. Another process may still take it before the server binds it,
 * so whoever starts the server has to look at its bind and come back for another one.
 */
export async function freePort({ withBus = false } = {}): Promise<number> {
	for (let attempt = 0; attempt < 200; attempt++) {
		const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
		if (handedOut.has(port)) continue;
		handedOut.add(port);
		if ((await isFree(port)) && (!withBus || (await isFree(port + BUS_OFFSET)))) return port;
	}
	throw new Error(`No free port between ${FIRST_PORT} and ${FIRST_PORT + PORTS - 1} on the loopback interface.`);
}

function isFree(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const probe = createServer();
		probe.once("error", () => resolve(false));
		probe.listen({ port, host: "127.0.0.1", exclusive: true }, () => probe.close(() => resolve(true)));
	});
}
