import { CommandWriter, checkArgument, checkArguments, encodeCommand } from "../../src/resp/encode.js";
import type { Suite } from "./suite.js";

const COMMANDS = 256;
const keys = Array.from({ length: COMMANDS }, (_, i) => `user:${100000 + i}`);
const longKeys = keys.map((key) => `tenant-0042:profile:{${key}}:attributes:v3`);
const text = "x".repeat(64);

/** What a client does without a writer: one string per command. */
function joined(args: readonly string[]): string {
	let command = `*${args.length}\r\n`;
	for (const arg of args) command += `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`;
	return command;
}

function suite(name: string, args: (key: string) => string[], names = keys): Suite {
	const commands = names.map(args);
	const writer = new CommandWriter();
	return {
		name: `encode ${name}`,
		operations: COMMANDS,
		cases: [
			{
				name: "string per command",
				run: () => {
					let all = "";
					for (const command of commands) all += joined(command);
					Buffer.from(all);
				},
			},
			{
				name: "CommandWriter",
				run: () => {
					for (const command of commands) writer.command(command);
					writer.take();
					writer.recycle();
				},
			},
			{
				name: "checked, CommandWriter",
				run: () => {
					for (const key of names) writer.command(args(checkArgument(key, 1) as string));
					writer.take();
					writer.recycle();
				},
			},
			{
				name: "checkArguments, CommandWriter",
				run: () => {
					for (const command of commands) writer.command(checkArguments(command));
					writer.take();
					writer.recycle();
				},
			},
			{
				name: "encodeCommand",
				run: () => {
					for (const command of commands) encodeCommand(command);
				},
			},
		],
	};
}

/** Shows from which size a view is better handed over by reference than copied. */
function copyOrReference(bytes: number): Suite {
	const value = Buffer.alloc(bytes, 1);
	const slab = Buffer.allocUnsafeSlow(1024 * 1024);
	return {
		name: `encode ${bytes} byte view`,
		operations: 1,
		cases: [
			{ name: "copied", run: () => slab.set(value, 100) },
			{
				name: "referenced (two more pieces)",
				run: () => {
					const pieces = [slab.subarray(0, 100), value, slab.subarray(100, 200)];
					pieces.reverse();
				},
			},
		],
	};
}

export const encodeSuites: Suite[] = [
	suite("GET key", (key) => ["GET", key]),
	suite("GET long key", (key) => ["GET", key], longKeys),
	suite("SET key text EX s", (key) => ["SET", key, text, "EX", "60"]),
	suite("GET non-ASCII key", (key) => ["GET", `é${key}`]),
	copyOrReference(2048),
	copyOrReference(4096),
	copyOrReference(8192),
	copyOrReference(16384),
];
