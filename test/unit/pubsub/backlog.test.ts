import { describe, expect, test } from "vitest";
import { Backlog, type Overflow } from "../../../src/pubsub/backlog.js";
import { Topic } from "../../../src/pubsub/topic.js";

const a = new Topic("channel", Buffer.from("a"), -1);
const b = new Topic("channel", Buffer.from("b"), -1);

interface Item {
	topic: Topic;
	number: number;
	bytes: number;
}

function backlog(overflow: Overflow, maxBuffered = 3, maxBufferedBytes = 100) {
	const queue = new Backlog<Item>({ overflow, maxBuffered, maxBufferedBytes });
	let next = 1;
	const push = (topic: Topic, bytes = 1) => {
		queue.push({ topic, number: next++, bytes });
	};
	const shown = ({ topic, number }: Item) => `${topic.text}${number}`;
	/** What is left, `!` where something is missing before. */
	const read = () => {
		const all: string[] = [];
		for (let first = queue.shift(); first !== undefined; first = queue.shift())
			all.push(shown(first.item) + (first.gap ? "!" : ""));
		return all;
	};
	return { queue, push, read, trim: () => queue.trim().map(shown) };
}

describe("bounds", () => {
	test("within them nothing is dropped, and one message of any size may wait alone", () => {
		const { queue, push, read, trim } = backlog("drop-oldest");
		for (const topic of [a, b, a]) push(topic, 33);
		expect([queue.isOver, trim()]).toEqual([false, []]);
		expect(read()).toEqual(["a1", "b2", "a3"]);
		push(a, 1000);
		expect([queue.isOver, trim(), read()]).toEqual([false, [], ["a4"]]);
	});

	test("the oldest go, by number and by bytes, and the first message of each of their topics says so", () => {
		const { push, read, trim } = backlog("drop-oldest");
		for (const topic of [b, a, a, a, b]) push(topic);
		expect(trim()).toEqual(["b1", "a2"]);
		expect(read()).toEqual(["a3!", "a4", "b5!"]);
		for (const bytes of [40, 40, 90]) push(a, bytes);
		expect(trim()).toEqual(["a6", "a7"]);
		expect(read()).toEqual(["a8!"]);
	});

	test("a loss is told of a topic's next message even when none of it is left", () => {
		const { push, read, trim } = backlog("drop-oldest", 1);
		push(b);
		push(a);
		expect([trim(), read()]).toEqual([["b1"], ["a2"]]);
		push(a);
		expect(read()).toEqual(["a3"]);
		push(b);
		expect(read()).toEqual(["b4!"]);
	});

	test.each(["drop-newest", "fail"] as const)("%s: the newest go, and the next that is taken says so", (overflow) => {
		const { push, read, trim } = backlog(overflow);
		for (const topic of [a, b, a, a, b]) push(topic);
		expect(trim()).toEqual(["b5", "a4"]);
		expect(read()).toEqual(["a1", "b2", "a3"]);
		for (const topic of [a, a, b]) push(topic);
		expect(read()).toEqual(["a6!", "a7", "b8!"]);
	});
});

test("a mark is behind all that is there, is told once, and survives when what it stands on is dropped", () => {
	const { queue, push, read, trim } = backlog("drop-oldest", 2);
	push(a);
	queue.mark(a);
	queue.mark(a);
	push(b);
	push(a);
	expect(trim()).toEqual(["a1"]);
	expect(read()).toEqual(["b2", "a3!"]);
	queue.mark(b);
	push(b);
	push(a);
	push(a);
	expect(trim()).toEqual(["b4"]);
	expect(read()).toEqual(["a5", "a6"]);
	push(b);
	expect(read()).toEqual(["b7!"]);
});

test("nothing is left of what was cleared, its bytes and losses included", () => {
	const { queue, push, read } = backlog("drop-newest", 3, 10);
	push(a, 9);
	queue.mark(a);
	queue.clear();
	push(a, 5);
	push(a, 5);
	expect([queue.isOver, read()]).toEqual([false, ["a2", "a3"]]);
});
