import { setTimeout as sleep } from "node:timers/promises";
import { BatchError, type Client, ClientError } from "../../src/index.js";

/** Between two rounds: a load that leaves the servers time for their own affairs. */
const PAUSE_MS = 5;

/** Longer than any test: the keys do not expire, the option travels. */
const SECONDS = 600;

/** So that no two walkers of a file share a key. */
let walkers = 0;

/** A key that one caller alone writes. Its values tell the key and a version that only grows. */
class Register {
	readonly key: string;
	#written = 0;
	#acknowledged = 0;

	constructor(key: string) {
		this.key = key;
	}

	/** The next version to be written. */
	next(): { value: string; acknowledged(): void } {
		const version = ++this.#written;
		return {
			value: `${this.key}=${version}`,
			acknowledged: () => {
				this.#acknowledged = version;
			},
		};
	}

	/** What a value that was read says: it was written here, and not before the last write that was acknowledged. */
	judge(value: unknown): "right" | "foreign" | "lost" {
		const version = value === null ? 0 : this.#versionOf(value);
		if (version === null || version > this.#written) return "foreign";
		if (version >= this.#acknowledged) return "right";
		// Told once.
		this.#acknowledged = version;
		return "lost";
	}

	#versionOf(value: unknown): number | null {
		const [key, version] = String(value).split("=");
		return key === this.key && /^\d+$/.test(version ?? "") ? Number(version) : null;
	}
}

/**
 * Writes and reads the keys of its tags, round after round, by SET EX, GET, `setMany`, `mget` and INCR, one after the other, until it is
 * stopped. Nobody else uses these keys, so every reply can be told from one that belongs to another command, another key or another time.
 */
export class Walker {
	readonly tags: readonly string[];
	/** Those that nothing went wrong in. */
	rounds = 0;
	/** The longest call. */
	slowestMs = 0;
	/** Values of other keys, and replies of other commands. */
	readonly foreign: string[] = [];
	/** Acknowledged, and not there any more. Servers may lose writes when they fail over on their own. */
	readonly lost: string[] = [];
	/** Those of single entries of batches too. */
	readonly errors: ClientError[] = [];
	/** Of `errors`, those of calls that change nothing. */
	readonly readErrors: ClientError[] = [];
	readonly #client: Client;
	readonly #single: Register;
	readonly #several: readonly Register[];
	readonly #counter: string;
	#increments = 0;
	#count = 0;
	readonly #stop = new AbortController();
	readonly #done: Promise<void>;

	/**
	 * @param name part of its keys, for people
	 * @param tags its keys have, `{tag}`: their slots decide which nodes it visits
	 */
	constructor(client: Client, name: string, ...tags: readonly [string, ...string[]]) {
		this.#client = client;
		this.tags = tags;
		const walker = `${name}:${++walkers}`;
		this.#single = new Register(`{${tags[0]}}:${walker}:single`);
		this.#several = tags.flatMap((tag) => [0, 1].map((i) => new Register(`{${tag}}:${walker}:several${i}`)));
		this.#counter = `{${tags[0]}}:${walker}:n`;
		this.#done = this.#run();
	}

	/** Lets the round come to its end. */
	async stop(): Promise<void> {
		this.#stop.abort();
		await this.#done;
	}

	/** Reads everything once more, after `stop`, with another client if one is given. */
	async look(client = this.#client): Promise<void> {
		const registers = [this.#single, ...this.#several];
		const values = await client.mget(registers.map(({ key }) => key));
		for (const [i, register] of registers.entries()) this.#judge(register, values[i]);
		this.#counted(Number(await client.get(this.#counter)), this.#count);
	}

	async #run(): Promise<void> {
		const { signal } = this.#stop;
		while (!signal.aborted) {
			const known = this.errors.length;
			for (const step of [this.#set, this.#get, this.#setMany, this.#mget, this.#incr]) {
				const began = performance.now();
				const errors = this.errors.length;
				await step().catch((error: ClientError) => this.#failed(error));
				if (step === this.#get || step === this.#mget) this.readErrors.push(...this.errors.slice(errors));
				this.slowestMs = Math.max(this.slowestMs, performance.now() - began);
			}
			if (this.errors.length === known) this.rounds += 1;
			await sleep(PAUSE_MS, undefined, { signal }).catch(() => {});
		}
	}

	#failed(error: ClientError): void {
		if (error instanceof BatchError) this.errors.push(...error.results.filter((result) => result instanceof ClientError));
		else this.errors.push(error);
	}

	#set = async (): Promise<void> => {
		const { value, acknowledged } = this.#single.next();
		this.#expect("OK", await this.#client.set(this.#single.key, value, { ex: SECONDS }));
		acknowledged();
	};

	#get = async (): Promise<void> => {
		this.#judge(this.#single, await this.#client.get(this.#single.key));
	};

	#setMany = async (): Promise<void> => {
		const versions = this.#several.map((register) => register.next());
		const entries = this.#several.map(({ key }, i) => [key, versions[i]!.value] as const);
		const results = await this.#client.setMany(entries, { ex: SECONDS, partial: true });
		for (const [i, result] of results.entries()) {
			if (result instanceof Error) this.#failed(result);
			else {
				this.#expect("OK", result);
				versions[i]!.acknowledged();
			}
		}
	};

	#mget = async (): Promise<void> => {
		const registers = [this.#single, ...this.#several];
		const none = `{${this.tags[0]}}:none`;
		const values = await this.#client.mget([...registers.map(({ key }) => key), none]);
		for (const [i, register] of registers.entries()) this.#judge(register, values[i]);
		this.#expect(null, values.at(-1));
	};

	#incr = async (): Promise<void> => {
		this.#increments += 1;
		this.#counted(await this.#client.incr(this.#counter), this.#count + 1);
	};

	/** A count that is at least `least`, and at most as large as the number of attempts. */
	#counted(reply: number | bigint, least: number): void {
		const count = Number(reply);
		if (!Number.isInteger(count) || count > this.#increments) this.foreign.push(`${this.#counter}: ${count}`);
		else if (count < least) this.lost.push(`${this.#counter}: ${count} instead of ${least}`);
		this.#count = count;
	}

	#judge(register: Register, value: unknown): void {
		const verdict = register.judge(value);
		if (verdict !== "right") this[verdict].push(`${register.key}: ${value}`);
	}

	#expect(expected: unknown, reply: unknown): void {
		if (reply !== expected) this.foreign.push(`${reply} instead of ${expected}`);
	}
}
