/** Has the conversation of `handshake.ts` over a connection: HELLO, and once it is answered what follows it. */
import type { Command, Entry, Link } from "../request.js";
import { type Reply, ReplyMode } from "../resp/reply.js";
import { followUps, type HandshakeOptions, type HelloVerdict, helloCommand, readHello } from "./handshake.js";

export type Greeting = Exclude<HelloVerdict, "fallback"> & {
	/** What it answered to CLUSTER MYID; null when it was not asked, or would not say. */
	readonly nodeId: string | null;
};

/**
 * @param plainResp2 HELLO is left out: this server refused it lately
 * @param say writes an entry at once; what its `answered` throws has to end the connection
 * @param ready the handshake is complete, in this protocol
 */
export function greet(
	options: HandshakeOptions,
	plainResp2: boolean,
	say: (entry: Entry) => void,
	ready: (greeting: Greeting) => void,
): void {
	const proceed = (verdict: HelloVerdict): void => {
		const steps = followUps(verdict, options);
		const commands = steps.map((step) => step.args);
		const done = (replies: Reply[]): void => {
			for (const [index, step] of steps.entries()) step.accept(replies[index] as Reply);
			const said = replies[commands.findIndex(([name, word]) => name === "CLUSTER" && word === "MYID")];
			const nodeId = typeof said === "string" ? said : null;
			ready(verdict === "fallback" ? { protocol: 2, id: null, nodeId } : { ...verdict, nodeId });
		};
		say(new HandshakeEntry(commands, done));
	};
	if (plainResp2) proceed("fallback");
	else say(new HandshakeEntry([helloCommand(options)], ([reply]) => proceed(readHello(reply as Reply, options))));
}

class HandshakeEntry implements Entry {
	readonly size: number;
	readonly abandoned = false;
	readonly internal = true;
	readonly deadline = 0;
	readonly losses = 0;
	link: Link | null = null;
	borrowedUpTo = 0;
	readonly frames = null;
	readonly #commands: Command[];
	readonly #replies: Reply[] = [];
	readonly #done: (replies: Reply[]) => void;

	constructor(commands: (readonly string[])[], done: (replies: Reply[]) => void) {
		this.#commands = commands.map((args) => ({
			args,
			slot: -1,
			flags: 0,
			mode: ReplyMode.string,
			elements: 0,
			target: null,
			bytes: 0,
			blockMs: 0,
		}));
		this.size = commands.length;
		this.#done = done;
	}

	command(index: number): Command {
		return this.#commands[index] as Command;
	}

	answered(_index: number, reply: Reply): void {
		if (this.#replies.push(reply) === this.size) this.#done(this.#replies);
	}

	/** The connection reports its end itself. */
	lost(): void {}
}
