/** The client processes of a run, as the conductor talks to them. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { DriverSetup, Order, Report } from "./messages.js";

const DRIVER = fileURLToPath(new URL("./driver.js", import.meta.url));
type Done = Extract<Report, { report: "done" }>;
/** A client process that says nothing for so long never will: its event loop, or a promise of the client, hangs. */
const SILENT_MS = 60_000;
export type News = Exclude<Report, { report: "done" | "ready" }>;

export class DriverProcess {
	readonly index: number;
	readonly #child: ChildProcess;
	readonly #waiting: { resolve(done: Done): void; reject(error: Error): void }[] = [];
	readonly #ready: Promise<void>;
	#killed = false;

	constructor(setup: DriverSetup, tell: (news: News) => void) {
		this.index = setup.index;
		const child = fork(DRIVER, [JSON.stringify(setup)], {
			execArgv: ["--expose-gc"],
			stdio: ["ignore", "inherit", "inherit", "ipc"],
		});
		this.#child = child;
		this.#ready = new Promise((resolve, reject) => {
			child.on("message", (message: Report) => {
				if (message.report === "ready") resolve();
				else if (message.report === "done") this.#waiting.shift()?.resolve(message);
				else tell(message);
			});
			child.once("exit", (code, signal) => {
				const error = new Error(`client ${this.index} ended (${signal ?? `code ${code}`})`);
				reject(error);
				if (code !== 0 && !this.#killed) tell({ report: "wrong", what: error.message });
				for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
			});
		});
	}

	ready(): Promise<void> {
		return this.#inTime("get ready", this.#ready);
	}

	/** Resolves when it was followed. */
	async give(order: Order): Promise<Done> {
		const answer = new Promise<Done>((resolve, reject) => {
			this.#waiting.push({ resolve, reject });
			this.#child.send(order, (error) => error && reject(error));
		});
		const done = await this.#inTime(order.order, answer);
		if (done.failed !== undefined) throw new Error(`client ${this.index} could not ${order.order}: ${done.failed}`);
		return done;
	}

	/** The last order, after which the process has nothing more to do and must end by itself. */
	async finish(): Promise<void> {
		const ended = this.#hasEnded ? undefined : once(this.#child, "exit");
		await this.give({ order: "finish" });
		await ended;
	}

	async kill(): Promise<void> {
		if (this.#hasEnded) return;
		const ended = once(this.#child, "exit");
		this.#killed = true;
		this.#child.kill("SIGKILL");
		await ended;
	}

	async #inTime<T>(what: string, promise: Promise<T>): Promise<T> {
		let timer!: NodeJS.Timeout;
		const silent = new Promise<never>((_, reject) => {
			const error = new Error(`client ${this.index} did not ${what} within ${SILENT_MS} ms`);
			timer = setTimeout(() => reject(error), SILENT_MS);
		});
		try {
			return await Promise.race([promise, silent]);
		} finally {
			clearTimeout(timer);
		}
	}

	get #hasEnded(): boolean {
		return this.#child.exitCode !== null || this.#child.signalCode !== null;
	}
}
