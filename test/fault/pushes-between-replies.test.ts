/** Recipe N5, the wire part: pushes before, between, within and behind replies never shift who gets which reply. */
import { describe, expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
const invalidate = `>2\r\n${bulk("invalidate")}*1\r\n${bulk("k")}`;
const everything = `>2\r\n${bulk("invalidate")}_\r\n`;
const unknown = `>3\r\n+server-cpu-usage\r\n:1\r\n,0.5\r\n`;
const empty = ">0\r\n";

/** What comes around the n-th reply of a round. */
const pushes = [invalidate, everything, unknown, empty, `>1\r\n${bulk("x")}`, invalidate + everything];

describe.each(["in one chunk", "byte by byte"])("%s", (how) => {
	test.each(["before", "after", "between", "all around"])("N5 A19 pushes %s the replies", async (where) => {
		await using node = await FakeNode.start();
		await using client = await createClient({ url: node.url, protocol: 3 });
		node
			.always(["GET"], () => undefined)
			.always(["MGET"], () => undefined)
			.always(["INCR"], () => undefined);
		for (const push of pushes) {
			node.commands.length = 0;
			const calls = [client.get("a"), client.incr("n"), client.mget(["b", "c"]), client.get("d")];
			await waitUntil("all are asked", () => node.commands.length === 4 || "not yet");
			// One lies inside an aggregate, as servers before 7.2 send it.
			const inside = where === "all around" ? push : "";
			const replies = [bulk("a"), ":7\r\n", `*2\r\n${bulk("b")}${inside}${bulk("c")}`, "_\r\n"];
			const bytes = Buffer.from(
				where === "before"
					? push + replies.join("")
					: where === "after"
						? replies.join("") + push
						: where === "between"
							? replies.join(push)
							: push + replies.join(push) + push,
			);
			const [connection] = node.connections;
			if (how === "in one chunk") await connection!.write(bytes);
			else for (const byte of bytes) await connection!.write(Buffer.of(byte));
			expect(await Promise.all(calls)).toEqual(["a", 7, ["b", "c"], null]);
		}
		expect(node.connections).toHaveLength(1);
		expect(client.stats()).toMatchObject({ inFlight: 0, reconnects: 0, retries: 0 });
	});
});

test("N5 A19 a push while nothing is owed, and while a command is given up: the next replies are the next callers'", async () => {
	await using node = await FakeNode.start();
	await using client = await createClient(node.url);
	const [connection] = node.connections;
	const before = client.stats().bytesRead;
	await connection!.write(invalidate + unknown);
	await waitUntil("it is read", () => client.stats().bytesRead === before + invalidate.length + unknown.length || "not yet");
	node.always(["GET"], () => undefined);
	const abort = new AbortController();
	const target = Buffer.alloc(10, "t");
	const calls = [
		client.with({ signal: abort.signal }).get("gone"),
		client.with({ signal: abort.signal }).getInto("gone", target),
	];
	for (const call of calls) call.catch(() => {});
	const last = client.get("last");
	await waitUntil("all are asked", () => node.commands.length === 3 || "not yet");
	abort.abort();
	for (const call of calls) await expect(call).rejects.toMatchObject({ code: "ABORTED" });
	await connection!.write(invalidate + bulk("gone") + everything + bulk("gone") + invalidate + bulk("last") + invalidate);
	expect(await last).toBe("last");
	expect(target.toString()).toBe("t".repeat(10));
	expect(node.connections).toHaveLength(1);
});
