/** SET's options against a real server: what is refused here it refuses too, and what it accepts is not refused here (E10–E13). */
import { describe, expect, inject, test } from "vitest";
import { type Client, createClient, ReplyError, type SetOptions } from "../../src/index.js";

const cases = (["standaloneUrl", "clusterUrl"] as const).flatMap((topology) =>
	([2, 3] as const).map((protocol) => ({ topology, protocol })),
);

const future = Math.floor(Date.now() / 1000) + 1000;
const accepted: SetOptions[] = [
	{},
	{ ex: 60 },
	{ px: 60_000 },
	{ exat: future },
	{ pxat: future * 1000 },
	{ keepttl: true },
	{ nx: true },
	{ xx: true },
	{ get: true },
	{ ex: 60, nx: true },
	{ px: 60_000, xx: true, get: true },
	{ keepttl: true, xx: true, get: true },
	{ nx: true, get: true },
	{ ex: 60, nx: true, get: true },
	{ ex: 0.001 },
	{ ex: Number.MAX_SAFE_INTEGER },
	{ pxat: Number.MAX_SAFE_INTEGER },
];
const LLONG_MAX = 2n ** 63n - 1n;

async function serverSays(client: Client, ...args: (string | number | bigint)[]): Promise<string> {
	const reply = await client.command("SET", ...(args as [string])).catch((error) => error);
	return reply instanceof ReplyError ? reply.message : "no error";
}

describe.each(cases)("on $topology under RESP$protocol", ({ topology, protocol }) => {
	const key = `setopt:${topology}:${protocol}`;
	const open = (): Promise<Client> => createClient({ url: inject(topology), protocol });

	test.each<[SetOptions, (string | number)[]]>([
		[{ ex: 1, px: 1 }, ["EX", 1, "PX", 1]],
		[{ ex: 1, exat: future }, ["EX", 1, "EXAT", future]],
		[{ px: 1, pxat: future * 1000 }, ["PX", 1, "PXAT", future * 1000]],
		[{ ex: 1, keepttl: true }, ["EX", 1, "KEEPTTL"]],
		[{ nx: true, xx: true }, ["NX", "XX"]],
	])("E10 %j contradicts itself, for the server as well", async (options, wire) => {
		await using client = await open();
		await expect(client.set(key, "v", options)).rejects.toMatchObject({ code: "INVALID_OPTION" });
		await expect(client.setMany([[key, "v"]], options)).rejects.toMatchObject({ code: "INVALID_OPTION" });
		expect(await serverSays(client, key, "v", ...wire)).toBe("ERR syntax error");
	});

	test("E10 every combination that is not refused is accepted by the server, alone, in a batch and in a pipeline", async () => {
		await using client = await open();
		for (const options of accepted) {
			const what = JSON.stringify(options);
			await client.command("DEL", key);
			expect(["OK", null], what).toContain(await client.set(key, "v", options));
			expect(await client.setMany([[key, "v", options]]), what).toHaveLength(1);
			expect(await client.pipeline().set(key, "v", options).exec(), what).not.toEqual([expect.any(ReplyError)]);
		}
	});

	test("E11 OK, null where NX or XX forbade it, the old value with GET, WRONGTYPE with GET of another type", async () => {
		await using client = await open();
		await client.command("DEL", key);
		expect(await client.set(key, "1", { xx: true })).toBeNull();
		expect(await client.get(key)).toBeNull();
		expect(await client.set(key, "1", { nx: true })).toBe("OK");
		expect(await client.set(key, "2", { nx: true })).toBeNull();
		expect(await client.set(key, "2", { xx: true })).toBe("OK");
		expect(await client.set(key, "3", { get: true })).toBe("2");
		expect(await client.buffers.set(key, "4", { get: true })).toEqual(Buffer.from("3"));
		// With NX and GET null says that it was set, and the old value that it was not.
		expect(await client.set(key, "5", { nx: true, get: true })).toBe("4");
		expect(await client.get(key)).toBe("4");
		await client.command("DEL", key);
		expect(await client.set(key, "5", { nx: true, get: true })).toBeNull();
		expect(await client.get(key)).toBe("5");
		await client.command("DEL", key);
		expect(await client.set(key, "6", { xx: true, get: true })).toBeNull();
		await client.command("HSET", key, "f", "v");
		await expect(client.set(key, "7", { get: true })).rejects.toMatchObject({ code: "WRONGTYPE", maybeExecuted: false });
		expect(await client.command("TYPE", key)).toBe("hash");
		expect(await client.set(key, "8")).toBe("OK");
	});

	test("E11 an entry's own options replace the default ones whole", async () => {
		await using client = await open();
		const keys = ["a", "b", "c", "d"].map((name) => `{${key}}${name}`);
		await client.delMany(keys);
		await client.set(keys[3]!, "old");
		const answers = await client.setMany(
			[
				[keys[0]!, "1"],
				[keys[1]!, "2", { px: 5_000_000 }],
				[keys[2]!, "3", {}],
				[keys[3]!, "4", { nx: true }],
			],
			{ ex: 100 },
		);
		expect(answers).toEqual(["OK", "OK", "OK", null]);
		const ttls = await Promise.all(keys.map((name) => client.ttl(name)));
		expect(ttls[0]).toBeGreaterThan(98);
		expect(ttls[0]).toBeLessThanOrEqual(100);
		expect(ttls[1]).toBeGreaterThan(4990);
		expect(ttls.slice(2)).toEqual([-1, -1]);
		expect(await client.get(keys[3]!)).toBe("old");
	});

	test.each([
		"ex",
		"px",
		"exat",
		"pxat",
	] as const)("E12 %s: 0 and negative times are refused here, and by the server", async (field) => {
		await using client = await open();
		for (const value of [0, -1, Number.MIN_SAFE_INTEGER]) {
			await expect(client.set(key, "v", { [field]: value })).rejects.toMatchObject({ code: "INVALID_OPTION", field });
			expect(await serverSays(client, key, "v", field.toUpperCase(), value)).toBe("ERR invalid expire time in 'set' command");
		}
	});

	test.each([
		"ex",
		"px",
		"exat",
		"pxat",
	] as const)("E12 %s: what is no integer is refused here, and by the server", async (field) => {
		await using client = await open();
		for (const value of [Number.NaN, Number.POSITIVE_INFINITY, "junk", null]) {
			await expect(client.set(key, "v", { [field]: value as number })).rejects.toMatchObject({ code: "INVALID_OPTION", field });
			expect(await serverSays(client, key, "v", field.toUpperCase(), String(value))).toBe(
				"ERR value is not an integer or out of range",
			);
		}
		expect(await serverSays(client, key, "v", field.toUpperCase(), "1.5")).toBe("ERR value is not an integer or out of range");
		expect(await serverSays(client, key, "v", field.toUpperCase(), LLONG_MAX + 1n)).toBe(
			"ERR value is not an integer or out of range",
		);
		if (field !== "ex") {
			await expect(client.set(key, "v", { [field]: 1.5 })).rejects.toMatchObject({ code: "INVALID_OPTION", field });
		}
	});

	test("E12 times that overflow the server's clock cannot be given, those that just do not are accepted", async () => {
		await using client = await open();
		const overflow = "ERR invalid expire time in 'set' command";
		expect(await serverSays(client, key, "v", "EX", LLONG_MAX / 1000n + 1n)).toBe(overflow);
		expect(await serverSays(client, key, "v", "PX", LLONG_MAX)).toBe(overflow);
		await expect(client.set(key, "v", { ex: 2 ** 53 })).rejects.toMatchObject({ code: "INVALID_OPTION", field: "ex" });
		for (const field of ["ex", "px", "exat", "pxat"]) {
			expect(await client.set(key, "v", { [field]: Number.MAX_SAFE_INTEGER })).toBe("OK");
		}
	});

	test("E12 fractions of a second live for that long, and no less", async () => {
		await using client = await open();
		await client.set(key, "v", { ex: 100.0001 });
		const pttl = (await client.command("PTTL", key)) as number;
		expect(pttl).toBeGreaterThan(99_000);
		expect(pttl).toBeLessThanOrEqual(100_001);
		// 0.4 s is not rounded to 0, which the server would refuse.
		expect(await client.set(key, "v", { ex: 0.4 })).toBe("OK");
	});

	test("E13 a time that is past is accepted with OK, and the key is gone", async () => {
		await using client = await open();
		for (const options of [{ exat: 1 }, { pxat: 1 }, { exat: future - 2000 }, { pxat: (future - 2000) * 1000 }]) {
			await client.set(key, "old");
			expect(await client.set(key, "v", options)).toBe("OK");
			expect(await client.get(key)).toBeNull();
			expect(await client.setMany([[key, "v", options]])).toEqual(["OK"]);
			expect(await client.mget([key])).toEqual([null]);
		}
	});
});
