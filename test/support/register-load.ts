import type { Client, ClientError } from "../../src/index.js";
import { type Operation, unexplained, violation } from "./register-history.js";

const INITIAL = "initial";
/** The transaction was refused before it ran. */
const NOT_RUN = new Set(["MOVED", "ASK", "TRYAGAIN", "EXECABORT", "CLUSTERDOWN", "LOADING"]);

export interface RegisterLoadOptions {
	/** Callers at once; each waits for its own answers. Default 4. */
	callers?: number;
	/** MULTI … EXEC on a leased connection as well. */
	transactions?: boolean;
	/** Reads may be old. */
	stale?: boolean;
}

/** Callers that read and write keys by GET, SET, MGET and, if asked for, MULTI until told to stop, and a record of what each of them saw. */
export class RegisterLoad {
	/** Of calls that should have worked. */
	readonly errors: ClientError[] = [];
	/** Calls answered so far. */
	answered = 0;
	/** Transactions that ran, and those that a server refused before they ran. */
	readonly transactions = { run: 0, refused: 0 };
	readonly #histories: Map<string, Operation[]>;
	readonly #client: Client;
	readonly #keys: readonly string[];
	readonly #options: RegisterLoadOptions;
	/** One tick per event, so that no two are at the same time. */
	#time = 0;
	#values = 0;
	#stopped = false;
	#callers: Promise<unknown> = Promise.resolve();

	private constructor(client: Client, keys: readonly string[], options: RegisterLoadOptions) {
		this.#client = client;
		this.#keys = keys;
		this.#options = options;
		this.#histories = new Map(keys.map((key) => [key, []]));
	}

	/** Nobody else may write these keys meanwhile. */
	static async start(client: Client, keys: readonly string[], options: RegisterLoadOptions = {}): Promise<RegisterLoad> {
		await client.setMany(keys.map((key) => [key, INITIAL]));
		const load = new RegisterLoad(client, keys, options);
		load.#callers = Promise.all(Array.from({ length: options.callers ?? 4 }, () => load.#call()));
		return load;
	}

	/** Ends the load; each key is read once more, so that a write that was lost shows. */
	async stop(): Promise<void> {
		this.#stopped = true;
		await this.#callers;
		for (const key of this.#keys) await this.#attempt(() => this.#get(key));
	}

	/** What is wrong, key by key. */
	violations(): string[] {
		const judge = this.#options.stale ? unexplained : violation;
		return [...this.#histories].flatMap(([key, operations]) => {
			const wrong = judge(operations, INITIAL);
			return wrong === null ? [] : [`${key}: ${wrong}`];
		});
	}

	async #call(): Promise<void> {
		while (!this.#stopped && this.errors.length < 10) await this.#attempt(() => this.#any());
	}

	async #attempt(act: () => Promise<void>): Promise<void> {
		try {
			await act();
			this.answered += 1;
		} catch (error) {
			this.errors.push(error as ClientError);
		}
	}

	#any(): Promise<void> {
		const key = this.#keys[Math.floor(Math.random() * this.#keys.length)]!;
		const dice = Math.random();
		if (dice < 0.1) return this.#mget();
		if (dice < 0.2 && this.#options.transactions) return this.#transaction(key);
		return dice < 0.6 ? this.#get(key) : this.#set(key);
	}

	async #get(key: string): Promise<void> {
		const asked = ++this.#time;
		this.#saw(key, "read", await this.#client.get(key), asked);
	}

	async #set(key: string): Promise<void> {
		const asked = ++this.#time;
		const value = String(++this.#values);
		const answered = this.#client.set(key, value);
		await this.#written(key, value, asked, answered);
	}

	async #mget(): Promise<void> {
		const asked = ++this.#time;
		const values = await this.#client.mget(this.#keys);
		for (const [i, key] of this.#keys.entries()) this.#saw(key, "read", values[i]!, asked);
	}

	/** Reads and replaces at once. */
	async #transaction(key: string): Promise<void> {
		await this.#client.withConnection({ key }, async (own) => {
			const value = String(++this.#values);
			const queued = [own.command("MULTI"), own.command("GET", key), own.command("SET", key, value)];
			const asked = ++this.#time;
			const run = own.command("EXEC") as Promise<[string | null, "OK"]>;
			const refused = (await Promise.allSettled(queued)).filter((each) => each.status === "rejected");
			try {
				const [before] = await run;
				this.#saw(key, "read", before, asked);
				this.#saw(key, "write", value, asked);
				this.transactions.run += 1;
			} catch (error) {
				const { code } = error as ClientError;
				// A server that refused a command of it runs none, and says so.
				if (!NOT_RUN.has(code) || (code === "EXECABORT" && refused.length === 0)) throw error;
				this.transactions.refused += 1;
			}
		});
	}

	async #written(key: string, value: string, asked: number, answered: Promise<unknown>): Promise<void> {
		try {
			await answered;
			this.#saw(key, "write", value, asked);
		} catch (error) {
			if ((error as ClientError).maybeExecuted) {
				this.#histories.get(key)!.push({ kind: "write", value, asked, answered: Number.POSITIVE_INFINITY });
			}
			throw error;
		}
	}

	#saw(key: string, kind: Operation["kind"], value: string | null, asked: number): void {
		this.#histories.get(key)!.push({ kind, value, asked, answered: ++this.#time });
	}
}
