/** A client under measurement as the benchmark sees it: a process that is given orders. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type AdapterEntry, bunBinary, type Target } from "./adapter.js";
import type { Checked, Order, Round, Started } from "./trial.js";

/** A client that is silent for longer has failed. */
const SILENCE_MS = 30_000;
const ownWorker = fileURLToPath(new URL("./worker.js", import.meta.url));

export class Subject implements AsyncDisposable {
	readonly #child: ChildProcess;
	readonly #lines: Interface;
	#answered: ((answer: object) => void) | null = null;
	#stderr = "";
	#failure: string | null = null;

	/**
	 * @param worker that of another build measures that build
	 * @param flags of the runtime
	 */
	constructor({ runtime }: Pick<AdapterEntry, "runtime">, worker = ownWorker, flags: readonly string[] = []) {
		const binary = runtime === "bun" ? (bunBinary() ?? "bun") : process.execPath;
		this.#child = spawn(binary, [...flags, worker], { stdio: ["pipe", "pipe", "pipe"] });
		this.#lines = createInterface({ input: this.#child.stdout! });
		this.#lines.on("line", (line) => this.#settle(parse(line)));
		this.#child.stderr!.on("data", (chunk: Buffer) => {
			this.#stderr = `${this.#stderr}${chunk}`.slice(-2000);
		});
		this.#child.stdin!.on("error", () => {});
		this.#child.once("error", (error) => this.#fail(error.message));
		this.#child.once("close", (code, signal) => this.#fail(`it ended (${signal ?? code}) ${this.#stderr.trim()}`));
	}

	start(client: string, target: Target, workload: object): Promise<Started> {
		return this.#ask<Started>({ order: "start", client, target, workload }, SILENCE_MS);
	}

	check(requests: number): Promise<Checked> {
		return this.#ask<Checked>({ order: "check", requests }, SILENCE_MS);
	}

	round(ms: number): Promise<Round> {
		return this.#ask<Round>({ order: "round", ms }, ms + SILENCE_MS);
	}

	async #ask<T extends object>(order: Order, timeoutMs: number): Promise<T> {
		if (this.#failure !== null) throw new Error(this.#failure);
		const answer = await new Promise<object>((resolve) => {
			const timer = setTimeout(() => this.#settle({ failed: `it did not answer within ${timeoutMs / 1000} s` }), timeoutMs);
			this.#answered = (answer) => {
				clearTimeout(timer);
				resolve(answer);
			};
			this.#child.stdin!.write(`${JSON.stringify(order)}\n`);
		});
		if ("failed" in answer) throw new Error(String(answer.failed));
		return answer as T;
	}

	#settle(answer: object): void {
		this.#answered?.(answer);
		this.#answered = null;
	}

	#fail(reason: string): void {
		this.#failure = reason;
		this.#settle({ failed: reason });
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
		const closed = once(this.#child, "close");
		const timer = setTimeout(() => this.#child.kill("SIGKILL"), 2000);
		this.#child.stdin!.end();
		await closed;
		clearTimeout(timer);
	}
}

function parse(line: string): object {
	try {
		return JSON.parse(line) as object;
	} catch {
		return { failed: `it printed ${line.slice(0, 200)}` };
	}
}
