/**
 * A cluster of so many primaries that none of them can be real: one process that listens on a port for each and answers in RESP3 what a
 * client asks when it starts, and reads. `fork` it with the number; it sends `{ seed }`, and `{ accepted }` for each message it gets.
 */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import RedisParser from "redis-parser";
import { FAKE_HOST, slotsReply } from "./slots-reply.js";

export type FakeClusterMessage = { seed: number } | { accepted: number };

const VALUE = bulk("v".repeat(512));
const HELLO = `%2\r\n${bulk("proto")}:3\r\n${bulk("mode")}${bulk("cluster")}`;
let slots: Buffer;
let accepted = 0;

function bulk(text: string): string {
	return `$${text.length}\r\n${text}\r\n`;
}

function answer([name, ...args]: string[]): string | Buffer {
	if (name === "GET") return VALUE;
	if (name === "MGET") return `*${args.length}\r\n${VALUE.repeat(args.length)}`;
	if (name === "HELLO") return HELLO;
	return name === "CLUSTER" ? slots : "+OK\r\n";
}

function serve(socket: Socket): void {
	accepted += 1;
	const parser = new RedisParser({
		// Commands have the form of replies: arrays of bulk strings.
		returnReply: (command) => void socket.write(answer(command as unknown as string[])),
		returnError: () => socket.destroy(),
	});
	socket.setNoDelay(true);
	socket.on("error", () => {});
	socket.on("data", (chunk) => {
		socket.cork();
		parser.execute(chunk);
		socket.uncork();
	});
}

function listen(): Promise<Server> {
	return new Promise((resolve, reject) => {
		const server = createServer(serve);
		server.once("error", reject).listen(0, FAKE_HOST, () => resolve(server));
	});
}

function say(message: FakeClusterMessage): void {
	process.send?.(message);
}

const servers = await Promise.all(Array.from({ length: Number(process.argv[2]) }, listen));
const ports = servers.map((server) => (server.address() as AddressInfo).port);
slots = slotsReply(ports);
process.on("message", () => say({ accepted }));
process.once("disconnect", () => process.exit(0));
say({ seed: ports[0]! });
