import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { VERSION } from "../../src/index.js";

test("VERSION is the version of package.json", async () => {
	const text = await readFile(resolve(import.meta.dirname, "../../package.json"), "utf8");
	expect(VERSION).toBe(JSON.parse(text).version);
});
