/** docs/commands.md is what the docstrings say, and they say it of every command. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { commandTables } from "../../fixtures/command-tables.js";
import { BlockingCommands } from "../../src/commands/blocking.js";

/** The methods of all groups. */
function typedMethods(): string[] {
	const names: string[] = [];
	for (let group = BlockingCommands.prototype; group !== Object.prototype; group = Object.getPrototypeOf(group)) {
		names.push(...Object.getOwnPropertyNames(group).filter((name) => !/^(constructor|send.*)$/.test(name)));
	}
	return names.sort();
}

test("every typed command's docstring gives its words on the wire, its reply and where more is said", () => {
	const rows = commandTables().matchAll(/^\| \[`(\w+)`\]/gm);
	expect([...rows].map(([, name]) => name).sort()).toEqual(typedMethods());
});

test("docs/commands.md is up to date: `npm run docs:commands`", async () => {
	const written = await readFile(resolve(import.meta.dirname, "../../docs/commands.md"), "utf8");
	expect(written).toBe(`${commandTables()}\n`);
});
