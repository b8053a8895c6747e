import { describe, expect, test } from "vitest";
import { Channel } from "../../chaos/channel.js";
import { versioned } from "../../chaos/register.js";

const NAME = "news";
const text = (number: number) => versioned(NAME, number, 20);
const SECOND = 1000;

/** Message `i` was published in the i-th second, and acknowledged by one receiver before the next. */
function published(count: number, bus = false): Channel {
	const channel = new Channel(NAME, bus);
	for (let i = 1; i <= count; i++) channel.acknowledged(channel.issue(20, i * SECOND, false).number, 1, i * SECOND + 10);
	return channel;
}

function wrongs(channel: Channel, ...received: (number | [number, "gap"])[]): string[] {
	return received.flatMap((each) => {
		const [number, gap] = typeof each === "number" ? [each, undefined] : each;
		return channel.received(text(number), gap === "gap").wrong;
	});
}

describe("a message", () => {
	test("comes once and in order", () => {
		expect(wrongs(published(3), 1, 2, 3)).toEqual([]);
		expect(wrongs(published(3), 1, 2, 2, 3)).toEqual(["news: message 2 came twice"]);
		expect(wrongs(published(3), 1, 3, 2)).toEqual([
			"news: message 3 came, but not 2, which was acknowledged before, and no gap was told",
			"news: message 2 came after one that was published when 2 was acknowledged",
		]);
	});

	test("is one that was published, to this channel, and whole", () => {
		const channel = published(1);
		const found = (message: string) => channel.received(message, false).wrong;
		expect(found(text(2))).toEqual(["news: message 2 was never published"]);
		expect(found(versioned("other", 1, 20))).toEqual(['news: a message of "other" came']);
		expect(found(text(1).slice(1))).toEqual(['news: a message of "ews" came']);
		expect(found(text(1).slice(0, -1))).toEqual(["news: message 1 is damaged"]);
	});

	test("whose call was refused never comes; one of unknown outcome may, whenever it does", () => {
		const channel = published(1);
		const [refused, unknown] = [channel.issue(20, 0, false).number, channel.issue(20, 0, false).number];
		expect(channel.failed(refused, false)).toBeNull();
		expect(channel.failed(unknown, true)).toBeNull();
		channel.acknowledged(channel.issue(20, 0, false).number, 1, 0);
		expect(wrongs(channel, 1, 4, unknown)).toEqual([]);
		expect(wrongs(channel, refused)).toEqual(["news: message 2 came, and its call was refused"]);
		const early = new Channel(NAME, false);
		early.issue(20, 0, false);
		expect(wrongs(early, 1)).toEqual([]);
		expect(early.failed(1, false)).toBe("news: message 1 came, and its call was refused");
	});

	test("that overlapped with another has no place before or behind it", () => {
		const channel = new Channel(NAME, false);
		for (const number of [1, 2]) expect(channel.issue(20, 0, false).number).toBe(number);
		for (const number of [1, 2]) channel.acknowledged(number, 1, 0);
		expect(wrongs(channel, 2, 1)).toEqual([]);
	});

	test("does not come when it is forgotten", () => {
		const channel = published(2);
		channel.forget(2 * SECOND);
		expect(wrongs(channel, 2, 1)).toEqual(["news: message 1 came when everything after it was there"]);
	});
});

describe("a missing message", () => {
	const missed = "news: message 3 came, but not 2, which was acknowledged before, and no gap was told";

	test("is one that somebody received, and in no gap that was told", () => {
		expect(wrongs(published(3), 1, 3)).toEqual([missed]);
		const channel = published(3);
		channel.gapTold();
		expect(wrongs(channel, 1, [3, "gap"])).toEqual([]);
		const unheard = published(1);
		unheard.acknowledged(unheard.issue(20, 0, false).number, 0, 0);
		unheard.acknowledged(unheard.issue(20, 0, false).number, 1, 0);
		expect(wrongs(unheard, 1, 3)).toEqual([]);
	});

	test("is not excused by a gap before or behind its place", () => {
		const channel = published(4);
		channel.gapTold();
		expect(wrongs(channel, [1, "gap"], 3)).toEqual([missed]);
		channel.gapTold();
		expect(wrongs(channel, [4, "gap"])).toEqual([]);
	});

	test("is found when nothing comes behind it", () => {
		const channel = published(2);
		expect(wrongs(channel, 1)).toEqual([]);
		expect(channel.missing(2 * SECOND)).toEqual([]);
		expect(channel.missing(9 * SECOND)).toEqual(["news: message 2 was acknowledged, and neither it nor a gap came"]);
		expect(channel.missing(9 * SECOND)).toEqual([]);
	});
});

test("what is told of a gap is said by the next message, and nothing else is", () => {
	expect(wrongs(published(1), [1, "gap"])).toEqual(["news: message 1 says that there was a gap, of which nobody was told"]);
	const channel = published(1);
	channel.gapTold();
	channel.acknowledged(channel.issue(20, 0, false).number, 1, 0);
	// It may have waited since before the gap.
	expect(wrongs(channel, 1)).toEqual([]);
	expect(wrongs(channel, 2)).toEqual(["news: message 2 does not say that there was a gap before it, which was told"]);
});

describe("a message of the time of a fault", () => {
	const during = (): Channel => {
		const channel = new Channel(NAME, false);
		for (let i = 1; i <= 3; i++) channel.acknowledged(channel.issue(20, i * SECOND, i < 3).number, 1, i * SECOND);
		return channel;
	};

	test("may come again or late behind a gap, from the server that succeeded", () => {
		const again = during();
		again.gapTold();
		expect(wrongs(again, 1, 2, [1, "gap"], 2, 3)).toEqual([]);
		const late = during();
		late.gapTold();
		expect(wrongs(late, 1, [3, "gap"], 2)).toEqual([]);
	});

	test("comes once and in order without one", () => {
		expect(wrongs(during(), 1, 2, 2)).toEqual(["news: message 2 came twice"]);
		const { length } = wrongs(during(), 1, 3, 2);
		expect(length).toBe(2);
	});

	test("and one of another time comes once, gap or none", () => {
		const channel = during();
		channel.gapTold();
		expect(wrongs(channel, 1, 2, 3, [3, "gap"])).toEqual(["news: message 3 came twice"]);
	});
});

describe("between servers", () => {
	test("messages come in order and all of them, a second apart and without a fault", () => {
		expect(wrongs(published(3, true), 3, 1)).toEqual([
			"news: message 1 came after one that was published when 1 was acknowledged",
		]);
		const channel = published(3, true);
		expect(wrongs(channel, 2)).toEqual([]);
		expect(channel.missing(9 * SECOND)).toEqual(
			[1, 3].map((i) => `news: message ${i} was acknowledged, and neither it nor a gap came`),
		);
	});

	test("those of less than a second before a fault, or during one, may be lost or late", () => {
		const channel = published(2, true);
		channel.faultExpected(2 * SECOND + 500);
		channel.acknowledged(channel.issue(20, 3 * SECOND, true).number, 1, 3 * SECOND);
		expect(wrongs(channel, 3, 2)).toEqual([]);
		expect(channel.missing(9 * SECOND)).toEqual(["news: message 1 was acknowledged, and neither it nor a gap came"]);
	});

	test("one may come again after a gap, from a server that had a fault", () => {
		const channel = published(1, true);
		expect(wrongs(channel, 1)).toEqual([]);
		channel.faultExpected(SECOND + 500);
		channel.acknowledged(channel.issue(20, 2 * SECOND, true).number, 1, 2 * SECOND);
		channel.gapTold();
		expect(wrongs(channel, [2, "gap"], 1)).toEqual([]);
		expect(wrongs(channel, 2)).toEqual(["news: message 2 came twice"]);
	});
});
