import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { LocalRuntime } from "./local-runtime.js";
import type { ServerProvider } from "./runtime.js";

/** The server that SLOTWIRE_SERVER points at. */
export const namedServer: ServerProvider = {
	name: "SLOTWIRE_SERVER",
	async find() {
		const path = process.env.SLOTWIRE_SERVER;
		if (!path) return null;
		try {
			return await LocalRuntime.create(path);
		} catch (cause) {
			throw new Error(`SLOTWIRE_SERVER points at ${path}, which cannot be started as a server.`, { cause });
		}
	},
};

/** `redis-server` or `valkey-server` on PATH. */
export const installedServer: ServerProvider = {
	name: "redis-server and valkey-server on PATH",
	async find() {
		for (const name of ["redis-server", "valkey-server"]) {
			for (const folder of (process.env.PATH ?? "").split(delimiter)) {
				const path = join(folder, name);
				if (!folder || !(await isExecutable(path))) continue;
				// A server that lacks a library or is made for another machine is no server: look further.
				const runtime = await LocalRuntime.create(path).catch(() => null);
				if (runtime) return runtime;
			}
		}
		return null;
	},
};

async function isExecutable(path: string): Promise<boolean> {
	try {
		await access(path, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}
