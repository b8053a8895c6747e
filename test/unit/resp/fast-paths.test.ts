import { expect, test } from "vitest";
import type { ClientError } from "../../../src/errors.js";
import { decodeChunks, decodeOne } from "../../support/frames.js";

test("A04 an integer of any length that 64 bits allow is exact, with either sign", () => {
	const digits = "9223372036854775807";
	for (let length = 1; length <= digits.length; length++) {
		for (const text of [
			digits.slice(0, length),
			`1${"0".repeat(length - 1)}`,
			`-${digits.slice(0, length)}`,
			"9".repeat(Math.min(length, 18)),
		]) {
			const value = decodeOne(`:${text}\r\n`) as number | bigint;
			expect(String(value)).toBe(text);
			expect(typeof value).toBe(Number.isSafeInteger(Number(text)) ? "number" : "bigint");
		}
	}
	expect(decodeOne(":-9223372036854775808\r\n")).toBe(-(2n ** 63n));
	for (const zeros of ["0", "000000000", "0000000000000"]) expect(Object.is(decodeOne(`:-${zeros}\r\n`), 0)).toBe(true);
});

test("A05 text around a chunk of ASCII keeps its own bytes", () => {
	const ascii = `$2000\r\n${"a".repeat(2000)}\r\n`;
	const wire = Buffer.from(`+é\r\n${ascii}+ü\r\n${ascii}$2\r\nß\r\n`);
	for (const at of [1, 2, 3, 2015, 2016, 2017, 2018, 4030]) {
		const { events } = decodeChunks("resp3", [wire.subarray(0, at), wire.subarray(at)]);
		expect(events).toEqual(["é", "a".repeat(2000), "ü", "a".repeat(2000), "ß"].map((reply) => ({ reply })));
	}
});

test("A02 A05 what a long cut line holds says nothing about the text behind it", () => {
	const line = `+${"a".repeat(3000)}\r\n`;
	const wire = Buffer.from(`${line}$2\r\nß\r\n`);
	const { events } = decodeChunks("resp3", [wire.subarray(0, 1000), wire.subarray(1000)]);
	expect(events).toEqual([{ reply: "a".repeat(3000) }, { reply: "ß" }]);
});

test("A07 an array of any size has the elements that came", () => {
	for (const count of [0, 1, 255, 256, 257, 5000]) {
		const { events } = decodeChunks("resp3", [Buffer.from(`*${count}\r\n${":7\r\n".repeat(count)}`)]);
		expect(events).toEqual([{ reply: Array.from({ length: count }, () => 7) }]);
	}
});

test("A03 an error reply is made without the frames of what read the socket, and leaves the stacks of others alone", () => {
	const limit = Error.stackTraceLimit;
	expect((decodeOne("-ERR no\r\n") as ClientError).stack).toBe("ReplyError: ERR no");
	expect(Error.stackTraceLimit).toBe(limit);
});
