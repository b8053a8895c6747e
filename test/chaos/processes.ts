/** The client processes of a run, as the conductor talks to them. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { DriverSetup, Order, Report } from "./messages.js";

const DRIVER = fileURLToPath(new URL("./driver.js", import.meta.url));
type Done = Extract<Report, { report: "done" }>;
export type News = Exclude<Report, { report: "done" | "ready" }>;

export class DriverProcess {
	readonly index: number;
	readonly #child: ChildProcess;
	readonly #waiting: { resolve(done: Done): void; reject(error: Error): void }[] = [];
	readonly #ready: Promise<void>;

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
				if (code !== 0) tell({ report: "wrong", what: error.message });
				for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
			});
		});
	}

	ready(): Promise<void> {
		return this.#ready;
	}

	/** Resolves when it was followed. */
	give(order: Order): Promise<Done> {
		return new Promise((resolve, reject) => {
			this.#waiting.push({ resolve, reject });
			this.#child.send(order, (error) => error && reject(error));
		});
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
		this.#child.kill("SIGKILL");
		await ended;
	}

	get #hasEnded(): boolean {
		return this.#child.exitCode !== null || this.#child.signalCode !== null;
	}
}
