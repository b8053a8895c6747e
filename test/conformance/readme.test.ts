/** The README's example does what its comments say. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { inspect } from "node:util";
import { expect, inject, test } from "vitest";
import { type Client, ClientError, createClient } from "../../src/index.js";

const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => (client: Client) => Promise<unknown>;

/** `await …; // comment` lines of the first TypeScript block, between connect and close. */
async function examples(): Promise<{ code: string; comment: string }[]> {
	const readme = await readFile(resolve(import.meta.dirname, "../../README.md"), "utf8");
	const block = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
	return [...block.matchAll(/^(?:await )?(client\..*);\s+\/\/ (.*)$/gm)].map(([, code, comment]) => ({
		code: code as string,
		comment: comment as string,
	}));
}

function show(value: unknown): string {
	if (value instanceof ClientError) return `${value.name} ${value.code} …`;
	if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`;
	return typeof value === "string" ? JSON.stringify(value) : inspect(value);
}

test("every line of the README's example gives what its comment says", async () => {
	await using client = await createClient(inject("clusterUrl"));
	await client.delMany(["k", "a", "b", "nope", "h", "n", "q"]);
	const lines = await examples();
	expect(lines.length).toBeGreaterThanOrEqual(11);
	for (const { code, comment } of lines) {
		if (/^client\.(stats|close)/.test(code)) continue;
		const result = await new AsyncFunction("client", `return await ${code}`)(client);
		expect(comment.startsWith(show(result)), `${code} gave ${show(result)}, the comment says ${comment}`).toBe(true);
	}
	expect(Object.keys(client.stats())).toEqual(expect.arrayContaining(["commands", "flights", "bytesRead", "redirections"]));
});
