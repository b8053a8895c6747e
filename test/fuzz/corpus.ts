/** What mutations start from: replies of real servers, and a legal one of each kind that those did not send. */
import { recordedFrames } from "../../fixtures/recorded-frames.js";
import { slotsReply } from "../support/slots-reply.js";

export interface Corpus {
	/** Legal in RESP2. */
	readonly resp2: readonly Buffer[];
	readonly resp3: readonly Buffer[];
	readonly topologies: readonly Buffer[];
	readonly handshakes: readonly Buffer[];
	readonly redirections: readonly Buffer[];
	/** Longer than what one read of a socket brings. */
	readonly long: readonly Buffer[];
}

/** Mutations of short inputs come to more places in the same time. */
const MAX_SEED_BYTES = 2048;

const BULK_512 = `$512\r\n${"v".repeat(512)}\r\n`;

const EVERY_TYPE_OF_RESP2 = [
	"+OK\r\n",
	"+\r\n",
	"+text é😀\r\n",
	"-ERR wrong\r\n",
	"-lower case\r\n",
	":0\r\n",
	":-1\r\n",
	":+7\r\n",
	":9007199254740993\r\n",
	":-9223372036854775808\r\n",
	"$0\r\n\r\n",
	"$-1\r\n",
	"$5\r\nhello\r\n",
	"$6\r\n\r\n\r\n\r\n\r\n",
	"*-1\r\n",
	"*0\r\n",
	"_\r\n",
	"*3\r\n:1\r\n$1\r\na\r\n*2\r\n-ERR nested\r\n$-1\r\n",
	"*2\r\n$3\r\nkey\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n:2\r\n",
	"*1\r\n".repeat(40).concat("*0\r\n"),
	`*3\r\n${"$4\r\nsame\r\n".repeat(3)}`,
	BULK_512,
];

const EVERY_TYPE_OF_RESP3 = [
	"#t\r\n",
	"#f\r\n",
	",3.14\r\n",
	",-inf\r\n",
	",nan\r\n",
	",1e300\r\n",
	"(12345678901234567890123\r\n",
	"(-1\r\n",
	"!11\r\nERR in bulk\r\n",
	"=8\r\ntxt:text\r\n",
	"=4\r\nmkd:\r\n",
	"~3\r\n:1\r\n:2\r\n+three\r\n",
	"~0\r\n",
	"%2\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n*1\r\n_\r\n",
	"%0\r\n",
	"%1\r\n(99\r\n%1\r\n#t\r\n,1.5\r\n",
	">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n",
	">3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$2\r\nhi\r\n",
	"|1\r\n+ttl\r\n:9\r\n$1\r\nv\r\n",
	"*2\r\n|1\r\n+a\r\n%1\r\n+b\r\n+c\r\n:1\r\n>1\r\n+in the middle\r\n:2\r\n",
	"$?\r\n;4\r\nHell\r\n;1\r\no\r\n;0\r\n",
	"$?\r\n;0\r\n",
	"*?\r\n:1\r\n$?\r\n;1\r\nx\r\n;0\r\n.\r\n",
	"~?\r\n.\r\n",
	"%?\r\n+a\r\n:1\r\n+b\r\n%?\r\n.\r\n.\r\n",
	"|1\r\n+a\r\n|1\r\n+b\r\n+c\r\n+d\r\n~1\r\n%1\r\n+k\r\n>2\r\n+p\r\n+q\r\n#f\r\n",
];

const REDIRECTIONS = [
	"-MOVED 5061 127.0.0.1:7002\r\n",
	"-MOVED 5061 :7001\r\n",
	"-MOVED 5061 ?:7001\r\n",
	"-MOVED 5061 :0\r\n",
	"-MOVED 16383 node-1.example:65535\r\n",
	"-MOVED 0 ::1:7000\r\n",
	"-MOVED 0 [fe80::1%eth0]:7000\r\n",
	"-ASK 12182 127.0.0.1:7003\r\n",
	"-ASK 12182 :7003\r\n",
	"-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
	"-CLUSTERDOWN Hash slot not served\r\n",
	"-LOADING Redis is loading the dataset in memory\r\n",
	"-READONLY You can't write against a read only replica.\r\n",
	"-BUSY Redis is busy running a script.\r\n",
	"-ERR unknown command 'x', with args beginning with: 'secret' \r\n",
	"!25\r\nMOVED 5061 127.0.0.1:7002\r\n",
];

const HANDSHAKES = [
	"-NOPROTO unsupported protocol version\r\n+PONG\r\n",
	"-ERR unknown command 'HELLO', with args beginning with: '3' \r\n-NOAUTH Authentication required.\r\n",
	"-ERR unknown command `HELLO`\r\n+OK\r\n+OK\r\n-ERR unknown subcommand\r\n-ERR unknown subcommand\r\n+OK\r\n",
	"-WRONGPASS invalid username-password pair or user is disabled.\r\n",
	"-NOPERM User alice has no permissions to run the 'hello' command\r\n",
	"-DENIED Redis is running in protected mode\r\n",
	"-ERR max number of clients reached\r\n",
	"-ERR AUTH <password> called without any password configured\r\n",
	"%3\r\n+proto\r\n:3\r\n+mode\r\n+cluster\r\n+id\r\n:4\r\n+OK\r\n+OK\r\n",
	"%3\r\n+proto\r\n:3\r\n+mode\r\n+sentinel\r\n+id\r\n(4\r\n",
	"*6\r\n+proto\r\n:2\r\n+mode\r\n+standalone\r\n+modules\r\n*1\r\n*2\r\n+name\r\n+search\r\n+OK\r\n+OK\r\n+OK\r\n",
];

const node = (host: string | null, port: number, id: string) => ({ host, port, id });

const TOPOLOGIES = [
	slotsReply([{ first: 0, last: 16383, nodes: [node("127.0.0.1", 7001, "a")] }]),
	slotsReply([
		{ first: 0, last: 5460, nodes: [node("127.0.0.1", 7001, "a"), node("127.0.0.1", 7004, "d")] },
		{ first: 5461, last: 10922, nodes: [node(null, 7002, "b"), node("?", 7005, "e")] },
		{ first: 10923, last: 16383, nodes: [node("::1", 7003, "c"), node("", 7006, "f")] },
	]),
	slotsReply(
		Array.from({ length: 12 }, (_, i) => ({ first: 2 * i, last: 2 * i, nodes: [node("n", 7000 + (i % 3), `id-${i % 3}`)] })),
	),
	"*1\r\n*3\r\n:0\r\n:16383\r\n*4\r\n+?\r\n:7001\r\n+a\r\n%2\r\n+ip\r\n+10.0.0.1\r\n+hostname\r\n+node-1\r\n",
	"*1\r\n*4\r\n:0\r\n:9\r\n*2\r\n$-1\r\n:7001\r\n*4\r\n_\r\n:7002\r\n+b\r\n*4\r\n+hostname\r\n+x\r\n+zone\r\n:3\r\n",
	"-ERR This instance has cluster support disabled\r\n",
	"*0\r\n",
];

const LONG = [
	`*64\r\n${BULK_512.repeat(64)}`,
	BULK_512.repeat(100),
	`$70000\r\n${"x".repeat(70_000)}\r\n`,
	`*3\r\n$40000\r\n${"é".repeat(20_000)}\r\n:1\r\n$33000\r\n${"y".repeat(33_000)}\r\n`,
	`*300\r\n${"$9\r\nshort one\r\n".repeat(300)}`.repeat(6),
	`+${"l".repeat(70_000)}\r\n`,
	`%2000\r\n${Array.from({ length: 2000 }, (_, i) => `$4\r\n${1000 + i}\r\n:${i}\r\n`).join("")}`,
	// Small frames that become large values.
	`*12000\r\n${"-\r\n".repeat(12_000)}`,
	`*12000\r\n${"%0\r\n".repeat(12_000)}`,
	`~12000\r\n${"*1\r\n_\r\n".repeat(12_000)}`,
	"+\r\n".repeat(12_000),
	`%900\r\n${Array.from({ length: 900 }, (_, i) => `(${(BigInt(i + 1) << 64n) + 1n}\r\n_\r\n`).join("")}`,
	`$?\r\n${`;8192\r\n${"p".repeat(8192)}\r\n`.repeat(10)};0\r\n`,
];

const bytes = (frames: readonly string[]): Buffer[] => frames.map((frame) => Buffer.from(frame));

export function readCorpus(): Corpus {
	const frames = recordedFrames().filter(({ reply }) => reply.length <= MAX_SEED_BYTES);
	const recorded = (protocol: 2 | 3): Buffer[] => frames.filter((it) => it.protocol === protocol).map(({ reply }) => reply);
	const answersTo = (...words: string[]): Buffer[] =>
		frames.filter(({ command }) => words.every((word, i) => command[i]?.toUpperCase() === word)).map(({ reply }) => reply);
	const redirected = frames
		.map(({ reply }) => reply)
		.filter((reply) => /^-(MOVED|ASK|TRYAGAIN|CLUSTERDOWN)/.test(reply.toString("latin1", 0, 16)));
	return {
		resp2: [...recorded(2), ...bytes(EVERY_TYPE_OF_RESP2)],
		resp3: [...recorded(3), ...bytes(EVERY_TYPE_OF_RESP3), ...bytes(EVERY_TYPE_OF_RESP2)],
		topologies: [...answersTo("CLUSTER", "SLOTS"), ...bytes(TOPOLOGIES)],
		handshakes: [...answersTo("HELLO"), ...bytes(HANDSHAKES)],
		redirections: [...redirected, ...bytes(REDIRECTIONS)],
		long: bytes(LONG),
	};
}
