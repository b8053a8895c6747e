import { randomBytes, randomInt } from "node:crypto";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { RawConnection } from "../../fixtures/servers.js";
import { keySlot } from "../../src/slot.js";

let server: RawConnection;
beforeAll(async () => {
	const { hostname, port } = new URL(inject("clusterUrl").split(",")[0]!);
	server = await RawConnection.open({ host: hostname, port: Number(port) });
});
afterAll(() => server?.close());

async function expectSameSlots(keys: readonly (string | Buffer)[]): Promise<void> {
	const answers = await Promise.all(keys.map((key) => server.command("CLUSTER", "KEYSLOT", key)));
	const wrong = keys.filter((key, i) => keySlot(key) !== answers[i]);
	expect(wrong.map((key) => Buffer.from(key).toString("hex"))).toEqual([]);
}

test("D01 random binary keys have the slots that the server gives them", async () => {
	await expectSameSlots(Array.from({ length: 2000 }, () => randomBytes(randomInt(0, 300))));
});

test("D01 random arrangements of braces have the slots that the server gives them", async () => {
	const pieces = ["{", "}", "a", "{}", "é", "\0", "\r\n", "{x}"];
	const key = () => Array.from({ length: randomInt(0, 9) }, () => pieces[randomInt(pieces.length)]!).join("");
	await expectSameSlots(Array.from({ length: 2000 }, key));
});

test("D02 random binary keys with a tag of bytes that are no UTF-8", async () => {
	const brace = (text: string) => Buffer.from(text);
	const key = () =>
		Buffer.concat([randomBytes(randomInt(0, 5)), brace("{"), randomBytes(randomInt(1, 20)), brace("}"), randomBytes(5)]);
	await expectSameSlots(Array.from({ length: 2000 }, key));
});

test("D02 text is hashed as the UTF-8 that is sent", async () => {
	const ranges = [
		[0x20, 0x7e],
		[0x80, 0x7ff],
		[0x800, 0xd7ff],
		[0xe000, 0xffff],
		[0x10000, 0x10ffff],
	] as const;
	const point = () => {
		const [from, to] = ranges[randomInt(ranges.length)]!;
		return String.fromCodePoint(randomInt(from, to + 1));
	};
	const key = () => Array.from({ length: randomInt(0, 40) }, point).join("");
	await expectSameSlots(Array.from({ length: 2000 }, key));
});

test("D02 a key of each length up to 1 KiB", async () => {
	await expectSameSlots(Array.from({ length: 1024 }, (_, length) => randomBytes(length)));
});
