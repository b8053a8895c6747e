import { expect, test } from "vitest";
import { ProtocolError } from "../../../src/errors.js";
import { decodeChunks } from "../../support/frames.js";

/** A map whose keys agree in their lowest 64 bits, which are all that V8 hashes. */
function alike(count: number): Buffer {
	const entries = Array.from({ length: count }, (_, i) => `(${(BigInt(i + 1) << 64n) + 1n}\r\n_\r\n`);
	return Buffer.from(`%${count}\r\n${entries.join("")}`);
}

test("A13 A16 a map may have 1024 keys of more than 64 bits; a longer one, whose time grows with its square, is refused", () => {
	const { events, thrown } = decodeChunks("resp3", [alike(1024)]);
	expect(thrown).toBeUndefined();
	expect((events[0] as { reply: Map<bigint, null> }).reply.size).toBe(1024);
	expect(decodeChunks("resp3", [alike(1025)]).thrown).toBeInstanceOf(ProtocolError);
	expect(decodeChunks("resp3", [alike(1024), alike(1024)]).thrown).toBeUndefined();
});

test("A13 A16 keys of 64 bits are as many as there are", () => {
	const keys = Array.from({ length: 3000 }, (_, i) => `:${2n ** 62n + BigInt(i)}\r\n+v\r\n`).join("");
	expect(decodeChunks("resp3", [Buffer.from(`%3000\r\n${keys}`)]).thrown).toBeUndefined();
});
