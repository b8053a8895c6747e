/** The mixes of RESP2 frames that decoders are compared on. */

export interface FrameMix {
	readonly name: string;
	/** One or more whole replies. */
	readonly wire: Buffer;
	/** Replies in `wire`. */
	readonly replies: number;
	/** Integers beyond the exact numbers, which redis-parser gives as text only. */
	readonly bigIntegers?: true;
}

function bulk(bytes: number): string {
	return `$${bytes}\r\n${"v".repeat(bytes)}\r\n`;
}

function text(value: string): string {
	return `$${Buffer.byteLength(value)}\r\n${value}\r\n`;
}

function array(items: readonly string[]): string {
	return `*${items.length}\r\n${items.join("")}`;
}

function mix(name: string, wire: string, more: Partial<FrameMix> = {}): FrameMix {
	return { name, wire: Buffer.from(wire), replies: 1, ...more };
}

/** Six shards of a primary and a replica, as Redis 7 tells them. */
function clusterSlots(): string {
	const node = (port: number): string =>
		array([text("127.0.0.1"), `:${port}\r\n`, text("07c37dfeb235213a872192d90877d0cd55635b91"), array([])]);
	return array(
		Array.from({ length: 6 }, (_, i) => array([`:${i * 2731}\r\n`, `:${i * 2731 + 2730}\r\n`, node(7000 + i), node(7100 + i)])),
	);
}

/** 100 entries of two fields. */
function xrange(): string {
	return array(
		Array.from({ length: 100 }, (_, i) =>
			array([text(`1722945600123-${i}`), array([text("sensor"), text(`s${i}`), text("value"), text(`${i * 17}.5`)])]),
		),
	);
}

/** What a connection that many callers share brings back. */
const pipeline = [
	bulk(512),
	"+OK\r\n",
	":42\r\n",
	"$-1\r\n",
	bulk(64),
	array([bulk(16), "$-1\r\n", bulk(16)]),
	":1\r\n",
	"+OK\r\n",
];

export const frameMixes: readonly FrameMix[] = [
	mix("+OK", "+OK\r\n"),
	mix("+simple string", "+Background saving started\r\n"),
	mix("-error", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
	mix(":1 digit", ":7\r\n"),
	mix(":7 digits", ":1234567\r\n"),
	mix(":16 digits", ":1722945600123456\r\n"),
	mix(":19 digits", ":9223372036854775807\r\n", { bigIntegers: true }),
	mix("null $-1", "$-1\r\n"),
	mix("null *-1", "*-1\r\n"),
	mix("$16 B", bulk(16)),
	mix("$64 B", bulk(64)),
	mix("$512 B", bulk(512)),
	mix("$2 KiB", bulk(2 * 1024)),
	mix("$8 KiB", bulk(8 * 1024)),
	mix("$64 KiB", bulk(64 * 1024)),
	mix("$1 MiB", bulk(1024 * 1024)),
	mix("$64 B non-ASCII", text("é".repeat(32))),
	mix("$2 KiB non-ASCII", text("é".repeat(1024))),
	mix("128 x :1", array(Array<string>(128).fill(":1\r\n"))),
	mix("128 x 64 B", array(Array<string>(128).fill(bulk(64)))),
	mix("128 x 512 B", array(Array<string>(128).fill(bulk(512)))),
	mix("128 x 2 KiB", array(Array<string>(128).fill(bulk(2 * 1024)))),
	mix("128 x 8 KiB", array(Array<string>(128).fill(bulk(8 * 1024)))),
	mix("CLUSTER SLOTS", clusterSlots()),
	mix("XRANGE", xrange()),
	mix("pipeline", pipeline.join(""), { replies: pipeline.length }),
];
