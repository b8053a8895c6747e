/**
 * What `node:net` allows: requests encoded beforehand, a reader that only counts bytes, and one promise a request, without which nobody
 * could wait for it. Requests of one tick leave in one write. It knows the length of every reply and learns nothing from it.
 */
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { encodeCommand } from "../../../resp/encode.js";
import type { Adapter, Driver, Target } from "../adapter.js";
import { TTL_SECONDS, type Workload, type WorkRequest } from "../workload.js";

/** How bytes are read: TLS sockets have the `data` event only. */
type Reading = "data" | "onread";

export function floorFamily(reading: Reading): Adapter {
	return {
		version: process.version,
		async connect(target, workload, requests) {
			// One server, one flight a request: what several nodes allow is a matter of routing, not of `net`.
			if (target.cluster) return { close: async () => {} };
			if (reading === "onread" && target.ca !== undefined) return { close: async () => {} };
			return await openFloor(target, workload, requests, reading);
		},
	};
}

async function openFloor(
	target: Target,
	workload: Workload,
	requests: readonly WorkRequest[],
	reading: Reading,
): Promise<Driver> {
	const encoded = requests.map((request) => Buffer.concat(commandsOf(request, workload)));
	const requestBytes = encoded[0]!.length;
	// Twice over, so that a run of requests that wraps around is one piece. Large ones go out one by one.
	const isLarge = workload.valueBytes >= 64 * 1024;
	const all = isLarge ? Buffer.alloc(0) : Buffer.concat([...encoded, ...encoded]);
	const replyBytes = replyLength(workload);
	// A ring: more than are in flight never wait.
	const waiting = new Array<() => void>(workload.inFlight);
	let asked = 0;
	let answered = 0;
	let bytes = 0;
	let written = 0;
	let queued = 0;
	const socket = await open(target, reading, (length) => {
		bytes += length;
		while (bytes >= replyBytes) {
			bytes -= replyBytes;
			(waiting[answered++ % workload.inFlight] as () => void)();
		}
	});
	const flush = (): void => {
		if (isLarge) {
			socket.cork();
			for (; queued > 0; queued--) socket.write(encoded[written++ % encoded.length] as Buffer);
			socket.uncork();
			return;
		}
		while (queued > 0) {
			const from = written % encoded.length;
			const count = Math.min(queued, encoded.length);
			socket.write(all.subarray(from * requestBytes, (from + count) * requestBytes));
			written += count;
			queued -= count;
		}
	};
	const perform = (): Promise<never> =>
		new Promise((resolve) => {
			waiting[asked++ % workload.inFlight] = resolve as () => void;
			if (queued++ === 0) process.nextTick(flush);
		});
	return {
		countsOnly: true,
		get: perform,
		set: perform,
		mget: perform,
		setMany: perform,
		close: async () => {
			socket.destroy();
		},
	};
}

function open({ host, ports, ca }: Target, reading: Reading, received: (bytes: number) => void): Promise<Socket> {
	const port = ports[0] as number;
	const callback = (length: number): boolean => {
		received(length);
		return true;
	};
	const onread = { buffer: Buffer.allocUnsafeSlow(64 * 1024), callback };
	const socket =
		ca === undefined
			? connectTcp({ host, port, noDelay: true, ...(reading === "onread" ? { onread } : {}) })
			: connectTls({ host, port, ca });
	if (reading === "data") socket.on("data", (chunk: Buffer) => received(chunk.length));
	socket.setNoDelay(true);
	return new Promise((resolve, reject) => {
		socket.once(ca === undefined ? "connect" : "secureConnect", () => resolve(socket));
		socket.once("error", reject);
	});
}

function commandsOf({ keys, values }: WorkRequest, { call }: Workload): Buffer[] {
	if (call === "get" || call === "getInto") return [encodeCommand(["GET", keys[0] as string])];
	if (call === "set") return [encodeCommand(["SET", keys[0] as string, values[0] as Buffer])];
	if (call === "mget") return [encodeCommand(["MGET", ...keys])];
	return keys.map((key, i) => encodeCommand(["SET", key, values[i] as Buffer, "EX", TTL_SECONDS]));
}

function replyLength({ call, keys, valueBytes }: Workload): number {
	const bulk = `$${valueBytes}\r\n`.length + valueBytes + 2;
	if (call === "get" || call === "getInto") return bulk;
	if (call === "mget") return `*${keys}\r\n`.length + keys * bulk;
	return "+OK\r\n".length * keys;
}
