import { expect, test } from "vitest";
import { FrameWriter } from "../../../src/batch/frames.js";

const set = (key: string, value: string | Uint8Array) => ({ args: ["SET", key, value, "EX", "5"] });
const wire = (pieces: readonly Buffer[]): string => Buffer.concat(pieces as Buffer[]).toString();

test("B10 commands are encoded with the values of that moment, of any size below 16 KiB", () => {
	const value = Buffer.alloc(12_000, "a");
	const frames = new FrameWriter().encode([set("k", value), set("l", "text")]);
	value.fill("b");
	const expected = `*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$12000\r\n${"a".repeat(12_000)}\r\n$2\r\nEX\r\n$1\r\n5\r\n`;
	expect(wire(frames.pieces)).toBe(`${expected}*5\r\n$3\r\nSET\r\n$1\r\nl\r\n$4\r\ntext\r\n$2\r\nEX\r\n$1\r\n5\r\n`);
});

test("B10 an argument can be had again, as it was encoded", () => {
	const value = Buffer.from([0, 13, 10, 255]);
	const frames = new FrameWriter().encode([set("k", "x"), set("l", value)]);
	value.fill(1);
	expect(frames.argument(1, 2)).toEqual(Buffer.from([0, 13, 10, 255]));
	expect(frames.argument(0, 1)).toEqual(Buffer.from("k"));
});

test("B11 memory of frames that are done is used again, once none in it is open", () => {
	const writer = new FrameWriter();
	const [one, two] = [writer.encode([set("k", "1")]), writer.encode([set("k", "2")])];
	one.done();
	const three = writer.encode([set("k", "3")]);
	expect(wire(two.pieces)).toContain("\r\n2\r\n");
	two.done();
	three.done();
	const four = writer.encode([set("k", "4")]);
	expect(four.pieces[0]?.byteOffset).toBe(one.pieces[0]?.byteOffset);
	expect(four.pieces[0]?.buffer).toBe(one.pieces[0]?.buffer);
});

test("B10 memory of frames that were kept is never written again", () => {
	const writer = new FrameWriter();
	const [lost, other] = [writer.encode([set("k", "lost")]), writer.encode([set("k", "other")])];
	lost.keep();
	other.done();
	for (let i = 0; i < 100; i++) writer.encode([set("k", "later")]).done();
	expect(wire(lost.pieces)).toContain("\r\nlost\r\n");
	expect(lost.argument(0, 2)).toEqual(Buffer.from("lost"));
});

test("B11 more than the memory at hand goes on in another piece", () => {
	const frames = new FrameWriter().encode(Array.from({ length: 300 }, (_, i) => set(`key${i}`, Buffer.alloc(4000, i))));
	expect(frames.pieces.length).toBeGreaterThan(1);
	for (const i of [0, 4, 150, 299]) expect(frames.argument(i, 2)).toEqual(Buffer.alloc(4000, i));
});

test("B11 a command that cannot be encoded leaves nothing before the next ones", () => {
	const writer = new FrameWriter();
	const detached = new Uint8Array(8);
	structuredClone(detached, { transfer: [detached.buffer] });
	expect(() => writer.encode([set("a", "1"), set("b", detached)])).toThrow("detached");
	expect(wire(writer.encode([set("c", "3")]).pieces)).toMatch(/^\*5\r\n\$3\r\nSET\r\n\$1\r\nc\r\n/);
});
