/** What is refused before a byte is sent. */
import { expect, test } from "vitest";
import type { Client } from "../../../src/index.js";
import { clientOn, FakeDispatcher } from "../../support/fake-dispatcher.js";
import { rejectionOf } from "../../support/secrets.js";

const dispatcher = new FakeDispatcher(1);
const client = clientOn(dispatcher) as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;

test.each([
	"subscribe",
	"psubscribe",
	"ssubscribe",
	"unsubscribe",
	"punsubscribe",
	"sunsubscribe",
])("%s refuses names that are none, by their index", async (method) => {
	for (const [names, index] of [
		[[], 1],
		[[["a", 7]], 2],
		[[["a", "b", null]], 3],
		[[{}], 1],
		[["\ud800"], 1],
		[[["a", "\udc00"]], 2],
		[[[]], 1],
	] as const) {
		if (names.length === 0 && method.includes("unsubscribe")) continue;
		expect(await rejectionOf(client[method]!(...names))).toMatchObject({ code: "INVALID_ARGUMENT", index });
	}
});

test("subscribe refuses options that it does not have, or of another kind, by their field", async () => {
	for (const [options, field] of [
		[null, "options"],
		["drop", "options"],
		[{ listeners: () => {} }, "listeners"],
		[{ listener: "f" }, "listener"],
		[{ onGap: 1 }, "onGap"],
		[{ onError: null }, "onError"],
		[{ maxBuffered: 0 }, "maxBuffered"],
		[{ maxBuffered: 1.5 }, "maxBuffered"],
		[{ maxBufferedBytes: "1" }, "maxBufferedBytes"],
		[{ overflow: "drop" }, "overflow"],
	] as const) {
		expect(await rejectionOf(client.subscribe!("a", options))).toMatchObject({ code: "INVALID_OPTION", field });
	}
});

test("publish and spublish refuse what is no channel or no message, by its index", async () => {
	for (const method of ["publish", "spublish"]) {
		for (const [args, index] of [
			[[7, "m"], 1],
			[[undefined, "m"], 1],
			[["a"], 2],
			[["a", {}], 2],
			[["a", 1.5], 2],
			[["a", null], 2],
		] as const) {
			expect(await rejectionOf(client[method]!(...args))).toMatchObject({ code: "INVALID_ARGUMENT", index });
		}
	}
});

test("where nothing can be subscribed the call says so", async () => {
	expect(await rejectionOf((client as unknown as Client).subscribe("a"))).toMatchObject({ code: "UNSUPPORTED" });
	expect(dispatcher.dispatched).toEqual([]);
});
