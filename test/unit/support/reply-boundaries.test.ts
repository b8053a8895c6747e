import { expect, test } from "vitest";
import { ReplyBoundaries } from "../../support/reply-boundaries.js";

const frames = [
	"+OK\r\n",
	"$-1\r\n",
	"*0\r\n",
	"$0\r\n\r\n",
	"$5\r\n\r\n\r\na\r\n",
	"*2\r\n*1\r\n:1\r\n$3\r\nabc\r\n",
	"%1\r\n+a\r\n*2\r\n_\r\n#t\r\n",
	"|1\r\n+ttl\r\n:1\r\n*1\r\n|1\r\n+x\r\n:2\r\n:3\r\n",
	">2\r\n+message\r\n=7\r\ntxt:abc\r\n",
	"*-1\r\n",
];

test("every end of a whole reply is found, whichever way the bytes are cut", () => {
	const all = Buffer.from(frames.join(""));
	const ends = frames.map((_, i) => frames.slice(0, i + 1).join("").length);
	for (const size of [1, 2, 3, 7, all.length]) {
		const boundaries = new ReplyBoundaries();
		const found: number[] = [];
		for (let at = 0; at < all.length; at += size) {
			const first = boundaries.pass(all.subarray(at, at + size));
			if (first > 0) found.push(at + first);
			if (boundaries.between) found.push(Math.min(at + size, all.length));
		}
		for (const end of found) expect(ends).toContain(end);
		if (size === 1) expect([...new Set(found)]).toEqual(ends);
	}
});
