/** The code in the documents, for tests that run it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "./built-tools.js";

/** A TypeScript block, and the heading it stands under. */
export interface Block {
	heading: string;
	code: string;
}

/** @param document its path in the repository */
export async function blocksOf(document: string): Promise<Block[]> {
	const text = await readFile(join(ROOT, document), "utf8");
	const blocks: Block[] = [];
	let heading = "";
	for (const [, title, code] of text.matchAll(/^#+ (.*)$|^```ts\n([\s\S]*?)^```$/gm)) {
		if (title === undefined) blocks.push({ heading, code: code as string });
		else heading = title;
	}
	return blocks;
}

/**
 * One program of all blocks: what the first one declares the others have, and what they declare is their own. `expression; // → value` is a
 * claim, and so is `const name = expression; // → value`: the comment begins with the value, perhaps with more words behind it.
 */
export function programOf(blocks: readonly Block[]): string {
	const imports = new Map<string, Set<string>>();
	const parts = blocks.map(({ heading, code }, i) => {
		const body = code
			.replace(/^import \{ (.*) \} from "(.*)";\n+/gm, (_, names: string, from: string) => {
				const known = imports.get(from) ?? new Set();
				for (const name of names.split(", ")) known.add(name);
				imports.set(from, known);
				return "";
			})
			.replace(/^(\s*)(const \w+ = )?(.*);\s+\/\/ → (.*)$/gm, (_, indent: string, name: string | undefined, code, comment) => {
				return `${indent}${name ?? ""}claimed(${code}, ${JSON.stringify(code)}, ${JSON.stringify(comment)});`;
			});
		return `// ${heading}\n${i === 0 ? body : `{\n${body}}\n`}`;
	});
	const own = 'import { claimed, told } from "../test/support/shown.js";';
	const theirs = [...imports].map(([from, names]) => `import { ${[...names].join(", ")} } from "${from}";`);
	return [own, ...theirs, ...parts, "told();\n"].join("\n");
}
