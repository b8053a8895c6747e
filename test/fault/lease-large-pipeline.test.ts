/** A pipeline that is planned by and by is still what its caller wrote, in that order. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServerCluster, startCluster } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";

const SETS = 5000;

let cluster: ServerCluster;
let client: Client;
beforeAll(async () => {
	cluster = await startCluster();
	client = await createClient({ url: cluster.url });
});
afterAll(async () => {
	await client?.close();
	await cluster?.stop();
});

test("C20 E05 a transaction of thousands of commands on a leased connection: MULTI first, EXEC last", async () => {
	const replies = await client.withConnection({ key: "{t}" }, async (own) => {
		const pipeline = own.pipeline();
		pipeline.command("MULTI");
		for (let i = 0; i < SETS; i++) pipeline.set(`{t}${i}`, String(i));
		pipeline.command("EXEC");
		return await pipeline.exec();
	});
	expect(replies[0]).toBe("OK");
	expect(replies.slice(1, -1).every((reply) => reply === "QUEUED")).toBe(true);
	expect(replies.at(-1)).toEqual(new Array(SETS).fill("OK"));
	expect(await client.get(`{t}${SETS - 1}`)).toBe(String(SETS - 1));
});

test("E05 commands with and without keys keep their places in a pipeline of thousands", async () => {
	const replies = await client.withConnection({ key: "{u}" }, async (own) => {
		const pipeline = own.pipeline();
		for (let i = 0; i < SETS; i++) pipeline.set("{u}", String(i)).command("GET", "{u}");
		return await pipeline.exec();
	});
	expect(replies.findIndex((reply, at) => reply !== (at % 2 === 0 ? "OK" : String((at - 1) / 2)))).toBe(-1);
});
