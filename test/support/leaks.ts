import { inspect } from "node:util";
import { BatchError } from "../../src/index.js";
import { everythingOf } from "./secrets.js";

/** The ways in which text could be shown: as it is, and as a Buffer of it is printed, inspected or encoded. */
function shapesOf(secret: string): string[] {
	const bytes = Buffer.from(secret);
	const decimal = [...bytes].slice(0, 12).join(", ");
	return [
		secret,
		JSON.stringify(secret).slice(1, -1),
		encodeURIComponent(secret),
		bytes.toString("hex"),
		bytes.subarray(0, 12).toString("hex"),
		bytes.toString("base64").slice(0, Math.floor((secret.length * 4) / 3) - 1),
		inspect(bytes.subarray(0, 12)).slice("<Buffer ".length, -1),
		decimal,
		decimal.replaceAll(" ", ""),
	];
}

/** Which of `secrets` can be found in anything that a log, a debugger or a report would show of `value`; in words, and where. */
export function leaksOf(value: unknown, secrets: readonly string[]): string[] {
	const text = shownOf(value);
	const leaks: string[] = [];
	for (const secret of secrets) {
		for (const shape of shapesOf(secret)) {
			const at = text.indexOf(shape);
			if (at !== -1) leaks.push(`${JSON.stringify(shape)} in …${text.slice(Math.max(0, at - 80), at + shape.length + 20)}…`);
		}
	}
	return leaks;
}

function shownOf(value: unknown): string {
	const shown = [inspect(value, { depth: null, maxArrayLength: null, maxStringLength: null }), jsonOf(value)];
	if (value instanceof BatchError) {
		// Its results are what the caller asked for, by their name alone: the errors among them are looked at one by one.
		const errors = value.results.filter((result) => result instanceof Error);
		shown.push(value.message, value.stack ?? "", ...errors.map(shownOf), shownOf(value.cause));
	} else shown.push(everythingOf(value));
	return shown.join("\n");
}

function jsonOf(value: unknown): string {
	const plain = (_: string, each: unknown) => (typeof each === "bigint" ? String(each) : each);
	try {
		return JSON.stringify(value instanceof Error ? { ...value, own: value } : value, plain) ?? "";
	} catch (error) {
		// What refers to itself is in `inspect`.
		return error instanceof TypeError ? "" : String(error);
	}
}
