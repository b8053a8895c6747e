import { describe, expect, test } from "vitest";
import { Journal } from "../../chaos/journal.js";
import { versioned } from "../../chaos/register.js";

const KEY = "log";
const entry = (number: number, id = `${number}-0`) => ({ id, text: versioned(KEY, number, 20) });
const entries = (...numbers: number[]) => numbers.map((number) => entry(number));

/** Entries 1 to `count`, acknowledged at 1000, 2000, … with ids of their own number. */
function added(count: number): Journal {
	const journal = new Journal(KEY);
	for (let i = 1; i <= count; i++) {
		journal.issue(20, i * 1000);
		expect(journal.acknowledged(i, `${i}-0`, journal.floor, i * 1000)).toBeNull();
	}
	return journal;
}

/** What is wrong with handing these out, in this order; a negative one as redelivered. */
function wrongs(journal: Journal, ...numbers: number[]): (string | null)[] {
	return numbers.map((number) => journal.handedOut(entry(Math.abs(number)), number < 0).wrong);
}

describe("what is handed out", () => {
	test("comes once and in order, or says that it was redelivered", () => {
		expect(wrongs(added(3), 1, 2, -2, -1, 3)).toEqual([null, null, null, null, null]);
		expect(wrongs(added(2), 2, 2)).toEqual([null, "log: entry 2 (2-0) was handed out a second time, and not as redelivered"]);
		expect(wrongs(added(2), 2, 1)).toEqual([null, "log: entry 1 (1-0) was handed out behind 2-0, and not as redelivered"]);
	});

	test("is an entry of this stream that was added, and whole", () => {
		const journal = added(1);
		const found = (text: string) => journal.handedOut({ id: "9-0", text }, false).wrong;
		expect(found(versioned(KEY, 2, 20))).toBe("log: entry 2 was never added");
		expect(found(versioned("other", 1, 20))).toBe('log: an entry of "other" is there');
		expect(found(versioned(KEY, 1, 20).slice(1))).toBe('log: an entry of "og" is there');
		expect(found(`${versioned(KEY, 1, 20)}.`)).toBe("log: entry 1 is damaged");
	});

	test("has the id with which it was added, and one only", () => {
		expect(added(1).handedOut(entry(1, "5-0"), false).wrong).toBe("log: entry 1 is there twice, as 1-0 and as 5-0");
		const unknown = new Journal(KEY);
		unknown.issue(20, 0);
		expect(unknown.failed(1, true)).toBeNull();
		expect(unknown.handedOut(entry(1, "5-0"), false).wrong).toBeNull();
		expect(unknown.handedOut(entry(1, "5-1"), false).wrong).toBe("log: entry 1 is there twice, as 5-0 and as 5-1");
	});

	test("was not refused", () => {
		const journal = new Journal(KEY);
		journal.issue(20, 0);
		expect(journal.failed(1, false)).toBeNull();
		expect(wrongs(journal, 1)).toEqual(["log: entry 1 was refused, and is there"]);
	});

	test("is not from before the last baseline, unless redelivered", () => {
		const journal = added(2);
		expect(wrongs(journal, 1)).toEqual([null]);
		expect(journal.rebase(entries(1, 2), null, null).wrong).toBeNull();
		expect(wrongs(journal, -1, 2)).toEqual([null, "log: entry 2 (2-0) came late, or was added twice"]);
	});
});

test("ids grow", () => {
	const journal = added(2);
	const { floor } = journal;
	journal.issue(20, 0);
	expect(journal.acknowledged(3, "1-9", floor, 0)).toBe("log: entry 3 was added as 1-9 when there was 2-0");
});

describe("a new baseline", () => {
	test("has everything that was added, but what was cut off at its beginning", () => {
		expect(added(3).rebase(entries(1, 2, 3), null, null)).toEqual({ lost: 0, wrong: null });
		expect(added(3).rebase(entries(2, 3), "2-0", null)).toEqual({ lost: 0, wrong: null });
		expect(added(3).rebase(entries(2, 3), null, null).wrong).toBe("log: entry 1 was acknowledged as 1-0, and is not there");
		expect(added(3).rebase(entries(1, 3), "1-0", null).wrong).toBe("log: entry 2 was acknowledged as 2-0, and is not there");
	});

	test("has nothing twice, and nothing that should have been in the one before", () => {
		const journal = added(2);
		expect(journal.rebase([...entries(1, 2), entry(2, "9-0")], null, null).wrong).toBe(
			"log: entry 2 is there twice, as 2-0 and as 9-0",
		);
		expect(journal.rebase([entry(1, "9-1")], null, null).wrong).toBe("log: entry 1 was added late, or twice");
	});

	test("a failover may lose the last two seconds before it", () => {
		expect(added(6).rebase(entries(1, 2, 3, 4), null, 6500)).toEqual({ lost: 2, wrong: null });
		expect(added(6).rebase(entries(1, 2, 3), null, 6500)).toEqual({
			lost: 3,
			wrong: "log: entry 4 is lost, acknowledged 2500 ms before the fault",
		});
	});

	test("waits for what was not handed out", () => {
		const journal = added(3);
		wrongs(journal, 1, 3);
		expect(journal.missing(entries(1, 2, 3))).toEqual(entries(2));
		journal.rebase(entries(1, 2, 3), null, null);
		expect(journal.base).toBe("3-0");
	});
});
