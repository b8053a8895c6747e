/** Replies that no server gives to these commands: an error for that call, and for no other. */
import { afterEach, expect, test } from "vitest";
import type { Client } from "../../src/client.js";
import { ReplyError } from "../../src/errors.js";
import type { Reply } from "../../src/resp/reply.js";
import { clientOn, FakeDispatcher } from "../support/fake-dispatcher.js";

const opened: Client[] = [];
afterEach(() => {
	for (const client of opened.splice(0)) client.destroy();
});

/** Answers ECHO with its argument, and all else with `reply`. */
function clientAnswering(reply: Reply): Client {
	const answerer = new FakeDispatcher(1, 1, ({ args }) => (args[0] === "ECHO" ? (args[1] as string) : reply));
	const client = clientOn(answerer, { url: "redis://127.0.0.1:1" });
	opened.push(client);
	return client;
}

const cases: [name: string, reply: Reply, call: (client: Client) => Promise<unknown>][] = [
	["DUMP", "text", (client) => client.dump("k")],
	["DUMP", 5, (client) => client.dump("k")],
	["INCRBYFLOAT", "no number", (client) => client.incrbyfloat("k", 1)],
	["INCRBYFLOAT", [], (client) => client.incrbyfloat("k", 1)],
	["LCS", ["matches", []], (client) => client.lcs("a", "b", { idx: true })],
	["LCS", ["matches", [5], "len", 3], (client) => client.lcs("a", "b", { idx: true })],
	["LCS", ["matches", "none", "len", 3], (client) => client.lcs("a", "b", { idx: true })],
	["TIME", ["1"], (client) => client.time()],
	["TIME", null, (client) => client.time()],
	["TIME", ["1", "x"], (client) => client.time()],
	["CONFIG", ["odd"], (client) => client.configGet("a")],
	["CONFIG", "OK", (client) => client.configGet("a")],
	["SLOWLOG", [[1, 2, 3, []]], (client) => client.slowlogGet()],
	["SLOWLOG", [[1, 2, 3, "GET", "", ""]], (client) => client.slowlogGet()],
	["LATENCY", [["command", 1, 2]], (client) => client.latencyLatest()],
	["LATENCY", [[1, 2, 3]], (client) => client.latencyHistory("command")],
];

test.each(cases)("A31 %s answered with %j", async (name, reply, call) => {
	const client = clientAnswering(reply);
	const before = client.echo("before");
	const wrong = call(client);
	const after = client.echo("after");
	await expect(wrong).rejects.toMatchObject({
		code: "PROTOCOL",
		message: expect.stringMatching(new RegExp(`^${name} .*unexpected shape`)),
		maybeExecuted: true,
	});
	expect(await Promise.all([before, after])).toEqual(["before", "after"]);
});

test("A31 an error stays what the server said", async () => {
	const client = clientAnswering(new ReplyError("ERR no"));
	await expect(client.time()).rejects.toMatchObject({ code: "ERR", message: "ERR no" });
	const [time, echo] = await client.pipeline().time().echo("behind").exec();
	expect(time).toMatchObject({ code: "ERR" });
	expect(echo).toBe("behind");
});

test("A31 in a pipeline the others keep their replies", async () => {
	const client = clientAnswering("nonsense");
	const [first, wrong, last] = await client.pipeline().echo("a").time().echo("b").exec();
	expect([first, last]).toEqual(["a", "b"]);
	expect(wrong).toMatchObject({ code: "PROTOCOL" });
});
