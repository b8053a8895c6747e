/** Files of results. */
import { readFile, rename, writeFile } from "node:fs/promises";

/** What a file holds; null when there is none. */
export async function readIfThere(file: string): Promise<string | null> {
	try {
		return await readFile(file, "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		throw error;
	}
}

/** Whole or not at all: a run that is stopped leaves the file as it was. */
export async function saveWhole(file: string, text: string): Promise<void> {
	await writeFile(`${file}.new`, text);
	await rename(`${file}.new`, file);
}

export async function saveJson(file: string, value: unknown): Promise<void> {
	await saveWhole(file, `${JSON.stringify(value, null, "\t")}\n`);
}
