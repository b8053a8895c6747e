/** Damaged replies for fake nodes, and clients that get nothing else. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, ClientError } from "../../src/index.js";
import { mutate } from "../fuzz/mutate.js";
import type { Answer } from "./fake-node.js";
import { Random } from "./random.js";

/** The same in every run: what fails once fails again. */
const SEED = 1;

/** How a client waits here: briefly, for most of what it is told has no end. */
export const impatient = {
	retry: { baseMs: 1, maxMs: 4, maxAttempts: 4 },
	timeouts: { connectMs: 200, commandMs: 400, startMs: 400, closeMs: 200 },
} as const;

/** The same for clients that are made while their nodes are honest still: that must work on a slow machine as well. */
export const patientAtFirst = { ...impatient, timeouts: { ...impatient.timeouts, connectMs: 1000, startMs: 20_000 } } as const;

export class HostileAnswers {
	/** Replies given so far. */
	served = 0;
	readonly #seeds: readonly Buffer[];
	readonly #random = new Random(SEED);
	/** Of 100 answers, how many are legal. */
	readonly #honest: { percent: number; reply: string };

	constructor(seeds: readonly Buffer[], honest: { percent: number; reply: string } = { percent: 0, reply: "" }) {
		this.#seeds = seeds;
		this.#honest = honest;
	}

	/** The next reply, a damaged one mostly; the connection ends behind most of those, or a call would wait for the rest of each. */
	readonly answer: Answer = (_args, connection) => {
		this.served += 1;
		const random = this.#random;
		if (random.below(100) < this.#honest.percent) return this.#honest.reply;
		if (random.below(50) > 0) setImmediate(() => connection.end());
		return mutate(this.#seeds, random);
	};
}

/** What a call came to: "value", or the code of its error. Whatever is thrown that is no ClientError passes through. */
export async function outcomeOf(call: Promise<unknown>): Promise<string> {
	try {
		await call;
		return "value";
	} catch (error) {
		if (!(error instanceof ClientError)) throw error;
		return error.code;
	}
}

/** Each client's calls one after the other, all clients at once; how often each outcome was met. */
export async function tally(
	clients: readonly Client[],
	calls: number,
	call: (client: Client, at: number) => Promise<unknown>,
): Promise<Map<string, number>> {
	const outcomes = new Map<string, number>();
	const work = clients.map(async (client) => {
		for (let at = 0; at < calls; at++) {
			const outcome = await outcomeOf(call(client, at));
			outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
		}
	});
	await Promise.all(work);
	return outcomes;
}

/** Asks until the node, which is honest again, is understood: what is left of the lies may cost some more calls. */
export async function recovers(client: Client, key: string, expected: string): Promise<void> {
	for (;;) {
		const value = await client.get(key).catch((error) => {
			if (!(error instanceof ClientError)) throw error;
			return error;
		});
		if (value === expected) return;
		await sleep(10);
	}
}
