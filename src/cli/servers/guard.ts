import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";

/**
 * Each line on stdin is the process that now runs in the directory, an empty line means none. End of input, which the kernel
 * delivers however this process ends (exit, uncaught exception, SIGKILL), is the order to kill that process and remove the directory.
 */
const SCRIPT = `
while read -r line; do pid=$line; done
[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
rm -rf -- "$1" || { sleep 1; rm -rf -- "$1"; }
`;

/** Sees to it that a server never outlives this process and that its directory is removed. */
export interface Guard {
	/** The process to kill at the end; undefined when it has already ended. */
	watch(pid: number | undefined): void;
	/** Kills and removes now; resolves when that is done. */
	release(): Promise<void>;
}

export function guardDirectory(dir: string): Guard {
	// A session of its own: Ctrl-C in a terminal signals the whole foreground group and would end the guard before its work.
	const child = spawn("/bin/sh", ["-c", SCRIPT, "slotwire-guard", dir], {
		cwd: "/",
		detached: true,
		stdio: ["pipe", "ignore", "ignore"],
	});
	const ended = once(child, "exit");
	const stdin = child.stdin as Socket;
	stdin.on("error", () => {});
	child.unref();
	stdin.unref();
	return {
		watch: (pid) => stdin.write(`${pid ?? ""}\n`),
		release: async () => {
			child.ref();
			stdin.end();
			await ended;
		},
	};
}
