/** What the commands read from their command line, checked before a run begins: at its end it would be too late. */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";

export function numberOf(name: string, text: string, least: number): number {
	const value = Number(text);
	if (text.trim() === "" || !(value >= least && Number.isFinite(value)))
		throw new Error(`--${name} must be a number of at least ${least}.`);
	return value;
}

/** Different seeds are different schedules: the generator has 32 bits of them. */
export function seedOf(text: string): number {
	const value = numberOf("seed", text, 0);
	if (!Number.isInteger(value) || value > 0x7fffffff) throw new Error("--seed must be a whole number of up to 2147483647.");
	return value;
}

/** Files with this beginning can be written. */
export async function makeFolderOf(out: string): Promise<void> {
	await mkdir(dirname(out), { recursive: true });
}
