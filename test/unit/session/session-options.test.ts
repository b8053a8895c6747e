/** What session stores refuse when they are made. */
import { expect, test } from "vitest";
import type { Client } from "../../../src/index.js";
import { SessionStore, type SessionStoreOptions } from "../../../src/session/index.js";

const client = { run: () => Promise.reject(new Error("something was sent")) } as unknown as Client;

test.each<[field: string, options: unknown]>([
	["options", undefined],
	["options", null],
	["options", "30m"],
	["ttl", {}],
	["ttl", { ttl: 0 }],
	["ttl", { ttl: "half an hour" }],
	["ttl", { ttl: null }],
	["maxTtl", { ttl: "30m", maxTtl: -1 }],
	["maxTtl", { ttl: "30m", maxTtl: "12" }],
	["prefix", { ttl: "30m", prefix: 5 }],
	["prefix", { ttl: "30m", prefix: "a\ud800" }],
	["prefix", { ttl: "30m", prefix: "{}" }],
	["prefix", { ttl: "30m", prefix: "app{}:" }],
	["rolling", { ttl: "30m", rolling: "yes" }],
	["cookie", { ttl: "30m", cookie: {} }],
])("S2.4 an option is refused by its field: %s of %j", (field, options) => {
	expect(() => new SessionStore(client, options as SessionStoreOptions)).toThrow(
		expect.objectContaining({ code: "INVALID_OPTION", field }),
	);
});

test("S2.4 a store is made of a client", () => {
	for (const none of [undefined, null, {}, "redis://localhost"]) {
		expect(() => new SessionStore(none as never, { ttl: "30m" })).toThrow(
			expect.objectContaining({ code: "INVALID_OPTION", field: "client" }),
		);
	}
});
