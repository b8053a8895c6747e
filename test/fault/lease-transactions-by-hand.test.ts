/** What cannot be told apart, or put together, inside a transaction that was begun by hand is refused before a byte of it is sent. */
import { describe, expect, inject, test } from "vitest";
import { type Client, createClient } from "../../src/index.js";
import { rejectionOf } from "../support/secrets.js";

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	const key = (name: string): string => `{by-hand-${protocol}}${name}`;
	const begun = async (use: (own: Client) => Promise<void>): Promise<void> => {
		await using client = await createClient({ url: inject("standaloneUrl"), protocol });
		await client.set(key("k"), "v");
		await client.withConnection({}, async (own) => {
			expect(await own.command("MULTI")).toBe("OK");
			await use(own);
		});
	};

	test.each<[string, (own: Client) => Promise<unknown>]>([
		["SUBSCRIBE", (own) => own.command("SUBSCRIBE", key("a"), key("b"))],
		["UNSUBSCRIBE", (own) => own.command("unsubscribe")],
		["SSUBSCRIBE in a pipeline", (own) => own.pipeline().get(key("k")).command("SSUBSCRIBE", key("a")).exec().then(failureOf)],
		["mget", (own) => own.mget([key("k")])],
		["existsMany", (own) => own.existsMany([key("k")])],
		["del of several keys", (own) => own.del(key("k"), key("l"))],
	])("A24 C20 %s is refused, and the transaction goes on", async (_, call) => {
		await begun(async (own) => {
			const error = await rejectionOf(call(own).then(() => undefined));
			expect([error.code, (error.cause as Error & { code?: string })?.code, codeOfBatch(error)]).toContain("UNSUPPORTED");
			expect(await own.get(key("k"))).toBe("QUEUED");
			expect(await own.command("EXEC")).toEqual(["v"]);
			expect(await own.existsMany([key("k")])).toBe(1);
			expect(await own.command("SUBSCRIBE", key("a"))).toEqual(["subscribe", key("a"), 1]);
		});
	});

	test("A24 C20 a transaction that goes with its subscription in one pipeline", async () => {
		await using client = await createClient({ url: inject("standaloneUrl"), protocol });
		await client.set(key("k"), "v");
		await client.withConnection({}, async (own) => {
			const calls = own.pipeline().command("MULTI").command("SUBSCRIBE", key("a"), key("b")).command("EXEC");
			expect((await calls.exec()).map((reply) => (reply as { code?: string }).code)).toEqual(Array(3).fill("UNSUPPORTED"));
			expect(await own.get(key("k"))).toBe("v");
		});
	});

	test("A24 C20 a subscription that is queued where EXEC was given up: the connection ends before its confirmations are taken for replies", async () => {
		await begun(async (own) => {
			const abort = new AbortController();
			const exec = rejectionOf(own.with({ signal: abort.signal }).command("EXEC"));
			abort.abort();
			expect(await exec).toMatchObject({ code: "ABORTED" });
			const calls = [own.command("SUBSCRIBE", key("a"), key("b")), own.command("EXEC"), own.get(key("k"))];
			const codes = (await Promise.allSettled(calls)).map((call) => call.status === "rejected" && call.reason.code);
			expect(codes).toEqual(["PROTOCOL", "PROTOCOL", "PROTOCOL"]);
		});
	});

	test("A23 typed commands of a pipeline are queued as others are", async () => {
		await begun(async (own) => {
			expect(await own.pipeline().hgetall(key("none")).zscore(key("none"), "m").exec()).toEqual(["QUEUED", "QUEUED"]);
			expect(await own.command("EXEC")).toHaveLength(2);
		});
	});

	test("C38 RESET ends the transaction too", async () => {
		await begun(async (own) => {
			expect(await own.command("RESET")).toBe("RESET");
			expect(await own.multi().get(key("k")).exec()).toEqual(["v"]);
		});
	});
});

function failureOf(results: unknown[]): void {
	for (const result of results) if (result instanceof Error) throw result;
}

/** Of the first item that failed. */
function codeOfBatch(error: object): unknown {
	return (error as { results?: { code?: string }[] }).results?.[0]?.code;
}
