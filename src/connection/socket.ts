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
		// Node gives up on every address but the last after 250 ms, which a slow network may need; a quarter lets four addresses have a try.
		autoSelectFamilyAttemptTimeout: Math.max(10, Math.floor((settings.timeouts.connectMs || 2000) / 4)),
	};
}

/** One sentence for why a connection could not be made or ended. */
export function connectionError(endpoint: Endpoint, during: string, cause: Error | undefined, tls: boolean): ClientError {
	const reason = cause === undefined ? "the server closed the connection" : reasonOf(cause, tls);
	const hint = tls && gaveNoReason(cause) && during === "during the handshake" ? ": it may want a client certificate" : "";
	const message = `${formatEndpoint(endpoint)}: ${reason} ${during}${hint}`;
	return new ClientError("CONNECTION", message, cause === undefined ? {} : { cause });
}

/** A server that ends a TLS connection may have sent its reason as an alert, which a reset can overtake. */
function gaveNoReason(cause: Error | undefined): boolean {
	return cause === undefined || /^(ECONNRESET|EPIPE)$/.test((cause as NodeJS.ErrnoException).code ?? "");
}

function reasonOf(cause: Error, tls: boolean): string {
	const code = (cause as NodeJS.ErrnoException).code ?? "";
	if (cause instanceof AggregateError) return cause.errors.map((error) => reasonOf(error, tls)).join(", ");
	if (tls && (code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG")) {
		return "the server does not speak TLS on this port";
	}
	if (code.startsWith("ERR_SSL_")) {
		const alert = alerts.find(([pattern]) => pattern.test(code));
		// OpenSSL's own message is a line with a thread's id and a place in its source.
		return `${alert?.[1] ?? (cause as { reason?: string }).reason ?? "TLS failed"} (${code})`;
	}
	return code === "" || cause.message.includes(code) ? cause.message : `${code}: ${cause.message}`;
}

/**
 * What a server says by a TLS alert, by OpenSSL's names. Under TLS 1.3 its verdict on a client's certificate comes when the client counts
 * as connected already; before that a missing one is a failed handshake like any other.
 * @see https://www.rfc-editor.org/rfc/rfc8446#section-6.2
 */
const alerts: readonly (readonly [RegExp, string])[] = [
	[/ALERT_CERTIFICATE_REQUIRED$/, "the server wants a client certificate"],
	[/ALERT_HANDSHAKE_FAILURE$/, "the server refused the TLS handshake: it may want a client certificate, or no cipher is common"],
	[/ALERT_(.*CERTIFICATE.*|UNKNOWN_CA|DECRYPT_ERROR|ACCESS_DENIED)$/, "the server refused the client certificate"],
	[/ALERT_PROTOCOL_VERSION$/, "the server refused the TLS version"],
	[/UNRECOGNIZED_NAME$/, "the server does not know the name it was asked for (tls.servername)"],
	[/ALERT/, "the server refused the TLS handshake"],
];
