/** Runs around every test file: it fails the file that leaves an unhandled rejection, an open socket or a running timer. */
import { afterAll } from "vitest";
import { activeResources, leakedSince } from "./leak-check.js";

const before = activeResources();
const rejections: unknown[] = [];
const note = (reason: unknown) => rejections.push(reason);
process.on("unhandledRejection", note);

// The first hook to be registered is the last to run: after the file's own clean-up.
afterAll(async () => {
	const leaked = await leakedSince(before);
	process.off("unhandledRejection", note);
	if (rejections.length > 0) throw new Error("This file left an unhandled rejection.", { cause: rejections[0] });
	if (leaked !== "") throw new Error(`This file left open: ${leaked}.`);
});
