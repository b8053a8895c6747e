import { Client } from "../../src/client.js";
import { Core, newCounters } from "../../src/core.js";
import { DeadlineClock } from "../../src/deadline-clock.js";
import type { Dispatcher, Gauges, Lease, SlotRange } from "../../src/dispatcher.js";
import type { Endpoint } from "../../src/endpoint.js";
import { ClientError } from "../../src/errors.js";
import { type ClientOptions, resolveOptions } from "../../src/options.js";
import type { Carrier, Command, Request } from "../../src/request.js";
import { type Reply, ReplyMode } from "../../src/resp/reply.js";
import { SLOT_COUNT } from "../../src/slot.js";

/** Hands every answer to whoever asked: nothing is retried or redirected. */
const carrier: Carrier = {
	refused: (attempt, error) => attempt.settle(error),
	lost: (attempt, error) => attempt.settle(error),
};

/** What a server without sockets says to a command. */
export type Answerer = (command: Command, request: Request) => Reply | ClientError;

/**
 * A topology without sockets: it keeps what was dispatched, and the test says when and how it is answered.
 * Slots are dealt out to lanes in turn, as a cluster of `lanes` nodes would.
 */
export class FakeDispatcher implements Dispatcher {
	readonly keyGroups: number;
	/** Dispatched and not answered yet, in order. */
	readonly open: Request[] = [];
	/** All that were ever dispatched. */
	readonly dispatched: Request[] = [];
	closed: ClientError | null = null;
	readonly #lanes: readonly object[];
	readonly #answer: Answerer | undefined;

	/** @param answer answers at once, within `dispatch` */
	constructor(lanes: number, keyGroups = 16_384, answer?: Answerer) {
		this.keyGroups = keyGroups;
		this.#lanes = Array.from({ length: lanes }, (_, index) => ({ index }));
		this.#answer = answer;
	}

	/** Commands dispatched so far. */
	get commands(): Command[] {
		return this.dispatched.flatMap(commandsOf);
	}

	dispatch(request: Request): void {
		request.carrier = carrier;
		this.dispatched.push(request);
		if (this.closed !== null) {
			for (let i = 0; i < request.size; i++) request.settle(i, this.closed);
			return;
		}
		this.open.push(request);
		if (this.#answer !== undefined) this.answer(request, this.#answer);
	}

	/** Answers every command of one request. */
	answer(request: Request, say: Answerer): void {
		this.open.splice(this.open.indexOf(request), 1);
		for (let i = 0; i < request.size; i++) request.settle(i, say(request.command(i), request));
	}

	/** Answers all there is, and what is dispatched upon that, the oldest first. */
	answerAll(say: Answerer): void {
		for (let request = this.open[0]; request !== undefined; request = this.open[0]) this.answer(request, say);
	}

	lane(slot: number): object {
		return this.#lanes[slot === -1 ? 0 : slot % this.#lanes.length] as object;
	}

	refusal(): null {
		return null;
	}

	endpoints(): Endpoint[] {
		return [{ host: "nowhere", port: 1 }];
	}

	dispatchTo(_node: Endpoint, request: Request): void {
		this.dispatch(request);
	}

	slotsOf(): SlotRange[] {
		return [[0, SLOT_COUNT - 1]];
	}

	refresh(): Promise<void> {
		return Promise.resolve();
	}

	lease(): Promise<Lease> {
		return Promise.reject(new ClientError("UNSUPPORTED", "no connections here"));
	}

	gauges(): Gauges {
		return { inFlight: this.open.length, connections: this.#lanes.length };
	}

	async close(): Promise<void> {
		this.destroy();
	}

	destroy(): void {
		this.closed ??= new ClientError("CLOSED", "the client is closed");
		for (let request = this.open.shift(); request !== undefined; request = this.open.shift()) {
			for (let i = 0; i < request.size; i++) request.lost(i, this.closed, true);
		}
	}
}

export function commandsOf(request: Request): Command[] {
	return Array.from({ length: request.size }, (_, index) => request.command(index));
}

/** A client on a dispatcher of the test's own. */
export function clientOn(dispatcher: Dispatcher, options: ClientOptions = {}): Client {
	const settings = resolveOptions(options);
	const core = new Core(settings, new DeadlineClock(), newCounters(), dispatcher);
	return new Client(core, {
		mode: ReplyMode.string,
		limits: {},
		timeoutMs: settings.timeouts.commandMs,
		signal: undefined,
		dedicated: false,
	});
}

/** Answers GET, MGET, SET, DEL and EXISTS from `store`; a string that starts with "!" is a value of the wrong type. */
export function storeAnswerer(store: Map<string, string>): Answerer {
	const value = (key: unknown): string | undefined => store.get(String(key));
	return ({ args: [name, ...args] }) => {
		const first = value(args[0]);
		switch (name) {
			case "GET":
				return first?.startsWith("!") ? new ClientError("WRONGTYPE", "WRONGTYPE wrong kind of value") : (first ?? null);
			case "MGET":
				return args.map((key) => (value(key)?.startsWith("!") ? null : (value(key) ?? null)));
			case "SET":
				store.set(String(args[0]), String(args[1]));
				return "OK";
			case "DEL":
				return args.filter((key) => store.delete(String(key))).length;
			case "EXISTS":
				return args.filter((key) => store.has(String(key))).length;
			default:
				return new ClientError("ERR", `ERR unknown command ${name}`);
		}
	};
}
