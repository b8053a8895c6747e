/** Values as the comments of the documents' examples say them. */
import { inspect } from "node:util";
import { ClientError } from "../../src/index.js";

export function show(value: unknown): string {
	if (value instanceof ClientError) return `${value.name} ${value.code} …`;
	if (value instanceof Error) return `${value.name}: ${value.message}`;
	if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`;
	return typeof value === "string" ? JSON.stringify(value) : inspect(value, { breakLength: Number.POSITIVE_INFINITY });
}

const lines = { right: 0, wrong: 0 };

/** In a program made of a document: a line that claims what it gives. */
export function claimed<T>(value: T, code: string, comment: string): T {
	const shown = show(value);
	if (comment.startsWith(shown)) lines.right += 1;
	else {
		lines.wrong += 1;
		console.error(`${code} gave ${shown}, the comment says ${comment}`);
		process.exitCode = 1;
	}
	return value;
}

/** The end of such a program. */
export function told(): void {
	console.log(JSON.stringify(lines));
}
