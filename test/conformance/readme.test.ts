/** The README's example does what its comments say. */
import { expect, inject, test } from "vitest";
import { type Client, createClient } from "../../src/index.js";
import { blocksOf } from "../support/documented.js";
import { show } from "../support/shown.js";

const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => (client: Client) => Promise<unknown>;

/** `await …; // comment` lines of the first TypeScript block, between connect and close. */
async function examples(): Promise<{ code: string; comment: string }[]> {
	const [block] = await blocksOf("README.md");
	return [...(block?.code ?? "").matchAll(/^(?:await )?(client\..*);\s+\/\/ (.*)$/gm)].map(([, code, comment]) => ({
		code: code as string,
		comment: comment as string,
	}));
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
