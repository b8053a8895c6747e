/** Opens the socket of a connection: TCP, unix or TLS. What is read goes to the decoder with no copy in between. */
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { type Endpoint, formatEndpoint } from "../endpoint.js";
import { ClientError } from "../errors.js";
import type { Settings } from "../options.js";

const READ_BYTES = 64 * 1024;

/**
 * Every connection reads into this one buffer: a read is decoded before the next read of any socket begins, and the decoder copies what it
 * hands out. It stays in the processor's cache, and no 64 KiB chunk is allocated per read.
 * Windows hands buffers to the kernel ahead of the read, so there each connection has its own.
 */
const sharedReadBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

export interface SocketHandlers {
	/** Where the bytes of the next read belong; null: anywhere, and `received` gets them. */
	room(): Buffer | null;
	/** `length` bytes were read into the start of `room()`. */
	filled(length: number): void;
	/** The chunk is overwritten by the next read. */
	received(chunk: Buffer): void;
	connected(): void;
	drained(): void;
	/** The peer closed, or the socket failed. Called once. */
	ended(cause: Error | undefined): void;
}

/** Starts connecting. All addresses of a name are tried; an `error` event is always handled. */
export function openSocket(endpoint: Endpoint, settings: Settings, handlers: SocketHandlers): Socket {
	const socket = settings.tls === undefined ? openPlain(endpoint, settings, handlers) : openTls(endpoint, settings, handlers);
	let ended = false;
	let failure: Error | undefined;
	const end = (): void => {
		if (ended) return;
		ended = true;
		handlers.ended(failure);
	};
	socket.on("error", (error) => {
		failure ??= error;
		end();
	});
	socket.on("end", end);
	socket.on("close", end);
	socket.on("drain", () => handlers.drained());
	return socket;
}

function openPlain(endpoint: Endpoint, settings: Settings, handlers: SocketHandlers): Socket {
	const own = process.platform === "win32" ? Buffer.allocUnsafeSlow(READ_BYTES) : sharedReadBuffer;
	const onread = {
		buffer: (): Uint8Array => handlers.room() ?? own,
		callback: (length: number, buffer: Uint8Array): boolean => {
			if (buffer === own) handlers.received(own.subarray(0, length));
			else handlers.filled(length);
			return true;
		},
	};
	const socket = connect({ ...address(endpoint, settings), onread } as NetConnectOpts);
	socket.once("connect", () => handlers.connected());
	return socket;
}

function openTls(endpoint: Endpoint, settings: Settings, handlers: SocketHandlers): Socket {
	// SNI takes names only; certificates of addresses are checked against the address itself.
	const isName = endpoint.port !== 0 && !/^[\d.]+$|:/.test(endpoint.host);
	const socket = connectTls({
		...address(endpoint, settings),
		...(isName ? { servername: endpoint.host } : {}),
		...settings.tls,
	});
	socket.setNoDelay(true);
	// `tls.connect` takes no option for it, and before the TCP connection stands the delay would be lost.
	const { keepAliveMs } = settings.socket;
	if (keepAliveMs > 0 && endpoint.port !== 0) socket.once("connect", () => socket.setKeepAlive(true, keepAliveMs));
	socket.once("secureConnect", () => handlers.connected());
	socket.on("data", (chunk: Buffer) => handlers.received(chunk));
	return socket;
}

function address(endpoint: Endpoint, settings: Settings): NetConnectOpts {
	if (endpoint.port === 0) return { path: endpoint.host };
	const { keepAliveMs } = settings.socket;
	return {
		host: endpoint.host,
		port: endpoint.port,
		noDelay: true,
		keepAlive: keepAliveMs > 0,
		keepAliveInitialDelay: keepAliveMs,
		autoSelectFamily: true,
		// Node gives up on every address but the last after 250 ms; the connection's own deadline is the only one wanted here.
		autoSelectFamilyAttemptTimeout: Math.max(10, Math.floor((settings.timeouts.connectMs || 2000) / 2)),
	};
}

/** One sentence for why a connection could not be made or ended. */
export function connectionError(endpoint: Endpoint, during: string, cause: Error | undefined, tls: boolean): ClientError {
	const reason = cause === undefined ? "the server closed the connection" : reasonOf(cause, tls);
	return new ClientError("CONNECTION", `${formatEndpoint(endpoint)}: ${reason} ${during}`, cause === undefined ? {} : { cause });
}

function reasonOf(cause: Error, tls: boolean): string {
	const code = (cause as NodeJS.ErrnoException).code ?? "";
	if (cause instanceof AggregateError) return cause.errors.map((error) => reasonOf(error, tls)).join(", ");
	if (tls && (code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG")) {
		return "the server does not speak TLS on this port";
	}
	return code === "" || cause.message.includes(code) ? cause.message : `${code}: ${cause.message}`;
}
