import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.js";
import { type Guard, guardDirectory } from "./guard.js";
import { type RawArgument, RawConnection, type RawReply, type RawTarget, raw } from "./raw-connection.js";
import { type NodeOptions, nodeUrl, type RestartOptions, type ServerNode } from "./runtime.js";
import { serverArguments, socketPath, TLS_FILES } from "./server-arguments.js";
import { waitUntil } from "./wait-until.js";

export interface ServerBinary {
	path: string;
	/** Added to the server's environment: LD_LIBRARY_PATH for a binary that was not installed. */
	env: Readonly<Record<string, string>>;
}

const HOST = "127.0.0.1";
const BOOT_MS = 10_000;
const LOG_LIMIT = 256 * 1024;

class PortTaken extends Error {}

/** Starts one server on a free loopback port. `more` is configuration that stands before the caller's own. */
export async function launchServer(
	binary: ServerBinary,
	options: NodeOptions,
	{ more = [], withBus = false }: { more?: readonly string[]; withBus?: boolean } = {},
): Promise<ServerProcess> {
	for (let attempt = 1; ; attempt++) {
		const port = await freePort({ withBus });
		const server = await ServerProcess.create(binary, port, options, more);
		try {
			await server.restart();
			return server;
		} catch (error) {
			await server.stop();
			if (!(error instanceof PortTaken) || attempt === 20) throw error;
		}
	}
}

/** One server as a child of this process, in a temporary directory of its own, never outliving this process. */
export class ServerProcess implements ServerNode {
	readonly host = HOST;
	readonly port: number;
	readonly url: string;
	readonly target: RawTarget;
	readonly dir: string;
	readonly socketPath: string | undefined;
	readonly #binary: ServerBinary;
	readonly #args: readonly string[];
	readonly #guard: Guard;
	#child: ChildProcess | undefined;
	#log = "";
	#stopped: Promise<void> | undefined;

	private constructor(binary: ServerBinary, port: number, dir: string, options: NodeOptions, more: readonly string[]) {
		this.port = port;
		this.dir = dir;
		this.url = nodeUrl(HOST, port, options);
		this.socketPath = options.unixSocket ? socketPath(dir) : undefined;
		this.target = { host: HOST, port };
		if (options.password !== undefined) this.target.password = options.password;
		if (options.tls) this.target.tls = { ca: options.tls.ca, cert: options.tls.cert, key: options.tls.key };
		this.#binary = binary;
		this.#args = serverArguments({ port, dir, bind: HOST }, options, more);
		this.#guard = guardDirectory(dir);
	}

	static async create(binary: ServerBinary, port: number, options: NodeOptions, more: readonly string[]): Promise<ServerProcess> {
		const dir = await mkdtemp(join(tmpdir(), "slotwire-"));
		const server = new ServerProcess(binary, port, dir, options, more);
		if (options.tls) {
			for (const name of ["ca", "cert", "key"] as const) {
				await writeFile(join(dir, TLS_FILES[name]), options.tls[name], { mode: 0o600 });
			}
		}
		return server;
	}

	get pid(): number | undefined {
		return this.#child?.pid;
	}

	async log(): Promise<string> {
		return this.#log;
	}

	raw(...args: RawArgument[]): Promise<RawReply> {
		return raw(this.target, ...args);
	}

	connect(): Promise<RawConnection> {
		return RawConnection.open(this.target);
	}

	async pause(): Promise<void> {
		const child = this.#running();
		child.kill("SIGSTOP");
		if (process.platform !== "linux") return;
		// The signal is only queued by now; a thread that still runs could answer one more command.
		await waitUntil("the stopped state", async () => {
			const stat = await readFile(`/proc/${child.pid}/stat`, "utf8");
			return / [Tt] /.test(stat.slice(stat.lastIndexOf(")"))) || "the process still runs";
		});
	}

	async resume(): Promise<void> {
		this.#running().kill("SIGCONT");
	}

	async kill(): Promise<void> {
		const child = this.#child;
		if (child === undefined) return;
		child.ref();
		const ended = once(child, "exit");
		child.kill("SIGKILL");
		await ended;
	}

	async restart({ args = [], until = "ready" }: RestartOptions = {}): Promise<void> {
		if (this.#child) throw new Error(`The server on port ${this.port} already runs.`);
		this.#log = "";
		const child = this.#spawn([...this.#args, ...args]);
		try {
			await (until === "ready" ? this.#logged(child, "Ready to accept connections") : this.#listening(child));
		} finally {
			child.unref();
			(child.stdout as Socket).unref();
			(child.stderr as Socket).unref();
		}
	}

	stop(): Promise<void> {
		this.#stopped ??= this.kill().then(() => this.#guard.release());
		return this.#stopped;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.stop();
	}

	#running(): ChildProcess {
		if (this.#child === undefined) throw new Error(`The server on port ${this.port} does not run.`);
		return this.#child;
	}

	#spawn(args: readonly string[]): ChildProcess {
		const child = spawn(this.#binary.path, args, {
			cwd: this.dir,
			env: { ...process.env, ...this.#binary.env },
			// Ctrl-C is for this process; its server ends with it.
			detached: true,
			stdio: ["ignore", "pipe", "pipe"],
		});
		this.#child = child;
		this.#guard.watch(child.pid);
		const append = (chunk: Buffer) => {
			this.#log = (this.#log + chunk).slice(-LOG_LIMIT);
		};
		child.stdout!.on("data", append);
		child.stderr!.on("data", append);
		const ended = () => {
			if (this.#child !== child) return;
			this.#child = undefined;
			this.#guard.watch(undefined);
		};
		child.once("exit", ended);
		child.once("error", (error) => {
			append(Buffer.from(error.message));
			ended();
		});
		return child;
	}

	/** The server's own word in its own log: an answer on the port could come from somebody else's server. */
	#logged(child: ChildProcess, words: string): Promise<void> {
		return new Promise((resolve, reject) => {
			const look = () => this.#log.includes(words) && settle();
			const ended = () => settle(this.#bootError("ended"));
			const timer = setTimeout(() => settle(this.#bootError(`did not say "${words}" within ${BOOT_MS} ms`)), BOOT_MS);
			const settle = (error?: Error) => {
				clearTimeout(timer);
				child.stdout!.off("data", look);
				child.off("close", ended).off("error", ended);
				if (error) reject(error);
				else resolve();
			};
			child.stdout!.on("data", look);
			// Not "exit": the reason is in output that may still be under way then.
			child.once("close", ended).once("error", ended);
		});
	}

	async #listening(child: ChildProcess): Promise<void> {
		await this.#logged(child, "Server initialized");
		await waitUntil(`a listening server on port ${this.port}`, () => {
			if (this.#child !== child) throw this.#bootError("ended");
			return new Promise((resolve) => {
				const socket = connect(this.port, HOST, () => resolve(true));
				socket.on("error", (error) => resolve(error.message));
				socket.on("connect", () => socket.destroy());
			});
		});
	}

	#bootError(what: string): Error {
		const tail = this.#log.trim().split("\n").slice(-3).join(" | ");
		const message = `The server ${this.#binary.path} on port ${this.port} ${what}: ${tail}`;
		return /Address already in use|Failed listening on port|Could not create server TCP/.test(this.#log)
			? new PortTaken(message)
			: new Error(message);
	}
}
