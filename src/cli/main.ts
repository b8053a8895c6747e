#!/usr/bin/env node
/** The bin `slotwire`. */
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { VERSION } from "../version.js";
import { runBench } from "./bench/bench.js";
import { runDemo } from "./demo.js";
import { installedServer, namedServer } from "./servers/installed-server.js";
import { findRuntime, type ServerRuntime } from "./servers/runtime.js";

const help = `slotwire ${VERSION}

slotwire demo [--json]             a real cluster, 512 values, three ways of reading them side by side
slotwire bench [--quick] [--json]  slotwire, what node:net allows, and the other clients installed here, side by side

Each command has --help.
`;

/**
 * Runs a command line; resolves with the exit code.
 * @param find how a server is found; by default SLOTWIRE_SERVER, then redis-server or valkey-server on PATH
 */
export async function main(
	args: string[],
	find: () => Promise<ServerRuntime> = () => findRuntime([namedServer, installedServer]),
): Promise<number> {
	const [command, ...rest] = args;
	const print = (text: string): void => {
		process.stdout.write(text);
	};
	const note = (text: string): void => {
		process.stderr.write(`${text}\n`);
	};
	try {
		if (command === "demo") await runDemo(rest, find, print, note);
		else if (command === "bench") await runBench(rest, { findRuntime: find, print, note });
		else if (command === undefined || command === "--help" || command === "-h") print(help);
		else if (command === "--version") print(`${VERSION}\n`);
		else {
			note(`slotwire: ${command} is not a command; slotwire --help lists them`);
			return 2;
		}
		return 0;
	} catch (error) {
		note(`slotwire: ${error instanceof Error ? error.message : String(error)}`);
		return 1;
	}
}

const script = process.argv[1];
if (script !== undefined && realpathSync(script) === fileURLToPath(import.meta.url)) {
	void main(process.argv.slice(2)).then((code) => {
		process.exitCode = code;
	});
}
