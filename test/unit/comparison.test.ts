/** docs/comparison.md: every yes of ours has a test that is there, every no says what is missing. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";

const docs = resolve(import.meta.dirname, "../../docs");
const rows = readFileSync(resolve(docs, "comparison.md"), "utf8")
	.split("\n")
	.filter((line) => /^\| [^-]/.test(line))
	.slice(1)
	.map((line) => line.slice(2, -2).split(" | "));

test("each row has a cell for each client", () => {
	expect(rows.length).toBeGreaterThan(35);
	for (const cells of rows) expect(cells, cells[0]).toHaveLength(6);
});

test.each(rows.map((cells) => [cells[0] as string, cells[5] as string]))("%s", (_, ours) => {
	expect(ours).toMatch(/^\*\*(yes|no)\*\*/);
	const links = [...ours.matchAll(/\[((?:[^[\]]|\[[^\]]*\])*)\]\((\.\.\/test\/[^)]*)\)/g)];
	if (ours.startsWith("**yes**")) expect(links.length).toBeGreaterThan(0);
	else expect(ours).toMatch(/^\*\*no\*\*: .{20}/);
	for (const [, title, path] of links) {
		const source = readFileSync(resolve(docs, path as string), "utf8").replaceAll('\\"', '"');
		expect(source.includes(title as string), `${title} in ${path}`).toBe(true);
	}
});
