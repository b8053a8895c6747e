/** Caches in processes of their own, as a test talks to them. */
import { type ChildProcess, execFile, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { FirstLevelStats } from "../../src/cache/index.js";
import { ROOT } from "./built-tools.js";
import type { Ask, DriverSetup, News, Order, Outcome } from "./cache-messages.js";

/** The driver and what it imports, as JavaScript. Their types are checked with everybody's. */
export class CacheProcesses implements AsyncDisposable {
	readonly #folder: string;
	readonly #running: CacheProcess[] = [];

	private constructor(folder: string) {
		this.#folder = folder;
	}

	static async build(): Promise<CacheProcesses> {
		const folder = await mkdtemp(join(tmpdir(), "slotwire-caches-"));
		await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
		await writeFile(join(folder, "package.json"), '{ "type": "module" }');
		const options =
			"--ignoreConfig --noCheck --module nodenext --target es2023 --lib es2023,esnext.disposable --types node".split(" ");
		const driver = join(ROOT, "test/support/cache-driver.ts");
		await promisify(execFile)(join(ROOT, "node_modules/.bin/tsc"), [...options, "--rootDir", ROOT, "--outDir", folder, driver], {
			cwd: ROOT,
		});
		return new CacheProcesses(folder);
	}

	async start(setup: DriverSetup): Promise<CacheProcess> {
		const process = new CacheProcess(fork(join(this.#folder, "test/support/cache-driver.js"), [JSON.stringify(setup)]));
		this.#running.push(process);
		await process.heard("ready", "");
		return process;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await Promise.all(this.#running.map((process) => process.finish()));
		await rm(this.#folder, { recursive: true, force: true });
	}
}

export class CacheProcess {
	readonly #child: ChildProcess;
	readonly #answers = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
	readonly #news: News[] = [];
	readonly #listeners = new Set<() => void>();
	#orders = 0;

	constructor(child: ChildProcess) {
		this.#child = child;
		child.on("message", (message: News | { id: number; value?: unknown; error?: string }) => {
			if ("news" in message) {
				this.#news.push(message);
				for (const listener of [...this.#listeners]) listener();
			} else if (message.error === undefined) this.#answers.get(message.id)?.resolve(message.value);
			else this.#answers.get(message.id)?.reject(new Error(message.error));
		});
		child.once("exit", (code, signal) => {
			for (const { reject } of this.#answers.values()) reject(new Error(`the process ended (${signal ?? code})`));
		});
	}

	get pid(): number {
		return this.#child.pid as number;
	}

	ask(ask: Ask): Promise<Outcome> {
		return this.#give({ order: "ask", ask }) as Promise<Outcome>;
	}

	call(method: Extract<Order, { order: "call" }>["method"], ...args: unknown[]): Promise<unknown> {
		return this.#give({ order: "call", method, args });
	}

	async firstLevel(): Promise<FirstLevelStats> {
		return (await this.#give({ order: "firstLevel" })) as FirstLevelStats;
	}

	/** Lets its factory go on. */
	async release(key: string): Promise<void> {
		await this.#give({ order: "release", key });
	}

	/** What it told of a key so far. */
	told(news: News["news"], key: string): string[] {
		return this.#news.filter((each) => each.news === news && each.key === key).map(({ detail }) => detail);
	}

	/** Resolves when it has told that, now or before. */
	async heard(news: News["news"], key: string): Promise<void> {
		if (this.told(news, key).length > 0) return;
		await new Promise<void>((resolve) => {
			const listener = (): void => {
				if (this.told(news, key).length === 0) return;
				this.#listeners.delete(listener);
				resolve();
			};
			this.#listeners.add(listener);
		});
	}

	/** It stands still, timers included. */
	pause(): void {
		this.#child.kill("SIGSTOP");
	}

	resume(): void {
		this.#child.kill("SIGCONT");
	}

	async kill(): Promise<void> {
		const ended = once(this.#child, "exit");
		this.#child.kill("SIGKILL");
		await ended;
	}

	/** Closes what it has open, and ends by itself. */
	async finish(): Promise<void> {
		if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
		// It owes an answer: its test has failed, and what it waits for may never come.
		if (this.#answers.size > 0) return await this.kill();
		const ended = once(this.#child, "exit");
		if (this.#child.connected) this.#child.send({ id: 0, order: "finish" });
		await ended;
	}

	#give(order: Order): Promise<unknown> {
		this.#orders += 1;
		const id = this.#orders;
		return new Promise((resolve, reject) => {
			this.#answers.set(id, { resolve, reject });
			this.#child.send({ id, ...order }, (error) => error && reject(error));
		}).finally(() => this.#answers.delete(id));
	}
}
