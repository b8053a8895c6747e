/** Pieces of Markdown. */

/** Numbers stand right: every column but the first `textColumns`. Lines may be shorter than the header. */
export function table(header: readonly string[], lines: readonly (readonly string[])[], textColumns = 1): string {
	const rule = header.map((_, i) => (i < textColumns ? "---" : "---:"));
	const format = (cells: readonly string[]): string => `| ${header.map((_, i) => cellText(cells[i] ?? "")).join(" | ")} |`;
	return `${[header, rule, ...lines].map(format).join("\n")}\n`;
}

function cellText(text: string): string {
	return oneLine(text).replaceAll("|", "\\|");
}

/** A client's complaint may be a whole stack trace, and tell where this repository lies. */
export function oneLine(text: string): string {
	const line = text.replace(/\s+/g, " ").replace(/(?<![^\s('"])(?:file:\/\/)?(?:\/[^\s/:]+)+\/(?=[^\s/:])/g, "");
	return line.length > 160 ? `${line.slice(0, 160)} …` : line;
}
