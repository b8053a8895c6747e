import { createServer } from "node:net";
import { expect, test } from "vitest";
import { activeResources, leakedSince, leftBehind } from "../../support/leak-check.js";

test("an open server and a running timer are leaks until they end", async () => {
	const before = activeResources();
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const timer = setTimeout(() => {}, 60_000);
	expect(await leakedSince(before, 0)).toContain("TCPServerWrap");
	expect(await leakedSince(before, 0)).toContain("Timeout");
	server.close();
	clearTimeout(timer);
	expect(await leakedSince(before)).toBe("");
});

test("what keeps no process alive and what the runner has is no leak", () => {
	expect(
		leftBehind(activeResources(["PipeWrap", "MessagePort"]), activeResources(["PipeWrap", "MessagePort", "FSReqPromise"])),
	).toBe("");
	const before = activeResources();
	const timer = setTimeout(() => {}, 60_000).unref();
	expect(leftBehind(before, activeResources())).toBe("");
	clearTimeout(timer);
});
