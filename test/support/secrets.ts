import { inspect } from "node:util";

/** Everything that a log could show of a value: its text, its stack, its causes, its hidden fields. */
export function everythingOf(value: unknown): string {
	const parts = [inspect(value, { depth: null, showHidden: true, maxStringLength: null, maxArrayLength: null }), String(value)];
	for (let error = value; error instanceof Error; error = error.cause) parts.push(error.message, error.stack ?? "");
	return parts.join("\n");
}

/** What a promise rejects with; throws when it resolves. */
export async function rejectionOf(promise: Promise<unknown>): Promise<Error & { code?: string; cause?: unknown }> {
	return await promise.then(
		() => {
			throw new Error("it resolved");
		},
		(error) => error,
	);
}
