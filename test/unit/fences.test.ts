/** Which commands a fence keeps, when it lets them go, and in which order (C25). */
import { afterEach, describe, expect, test, vi } from "vitest";
import { Budget } from "../../src/budget.js";
import { ClientError, ReplyError } from "../../src/errors.js";
import { Fences, type Hold } from "../../src/fences.js";
import { type Attempt, CommandFlag, type Link, type SlotWatcher } from "../../src/request.js";
import { ReplyMode } from "../../src/resp/reply.js";
import { SingleRequest } from "../../src/single-request.js";

const SLOT = 5061;
const settings = { maxQueuedCommands: 1000, maxQueuedBytes: 1 << 20 } as never;

/** A connection that owes commands until the test says otherwise. */
class FakeLink implements Link {
	readonly endpoint = { host: "fake", port: 1 };
	readonly readOnly = false;
	readonly #watchers = new Map<number, SlotWatcher[]>();
	readonly #owing = new Set<number>();

	owe(slot: number): this {
		this.#owing.add(slot);
		return this;
	}

	wrote(slot: number): void {
		for (const watcher of this.#watchers.get(slot) ?? []) watcher.wrote();
	}

	clear(slot: number): void {
		this.#owing.delete(slot);
		const watchers = this.#watchers.get(slot) ?? [];
		this.#watchers.delete(slot);
		for (const watcher of watchers) watcher.cleared();
	}

	giveUp(): null {
		return null;
	}

	destroy(): void {}

	owedSlots(): number[] {
		return [...this.#owing];
	}

	watch(slot: number, watcher: SlotWatcher): boolean {
		if (!this.#owing.has(slot)) return false;
		this.#watchers.set(slot, [...(this.#watchers.get(slot) ?? []), watcher]);
		return true;
	}
}

interface Call {
	name: string;
	request: SingleRequest;
	attempt: Attempt;
	result: unknown;
}

/** Fences over a way to the server that only notes what was sent. */
class Rig {
	readonly sent: string[] = [];
	readonly budget = new Budget("fake:1", settings, { full: 0 });
	readonly fences: Fences;
	/** Called with each command sent; may refuse it on the spot. */
	onRoute: (call: Call) => void = () => {};
	readonly #calls = new Map<Attempt, Call>();

	constructor(baseMs = 10) {
		this.fences = new Fences({ maxAttempts: 16, baseMs, maxMs: baseMs }, (attempt) => {
			const call = this.#calls.get(attempt)!;
			this.sent.push(call.name);
			this.onRoute(call);
		});
	}

	call(name: string, { flags = 0, slot = SLOT }: { flags?: number; slot?: number } = {}): Call {
		const made = { name, result: undefined } as Call;
		const settled = (result: unknown): void => {
			made.result = result;
		};
		made.request = new SingleRequest(["SET", name, "v"], slot, flags, ReplyMode.string, null, settled, settled);
		made.attempt = made.request.attempt();
		this.#calls.set(made.attempt, made);
		return made;
	}

	/** A command that the caller issues now; true: a fence keeps it. */
	issue(call: Call): boolean {
		return this.fences.screen(call.request) !== null;
	}

	refuse(call: Call, link: Link | null, more: Partial<Hold> = {}): void {
		const error = new ReplyError("LOADING wait");
		call.attempt.error = error;
		this.fences.hold(call.attempt, { error, link, budget: this.budget, pause: false, maxAttempts: 16, ...more });
	}

	/** The connection that it was sent on answers it. */
	answer(call: Call, link: Link = new FakeLink()): void {
		call.attempt.answered(0, "OK", link);
	}
}

afterEach(() => {
	vi.useRealTimers();
});

describe("a slot that is elsewhere", () => {
	test("C25 refused ones in the order in which they came back, then those that waited", () => {
		const rig = new Rig();
		const link = new FakeLink().owe(SLOT);
		const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map((name) => rig.call(name));
		rig.refuse(a!, link);
		expect(rig.issue(d!)).toBe(true);
		rig.refuse(b!, link);
		expect(rig.issue(e!)).toBe(true);
		rig.refuse(c!, link);
		expect(rig.sent).toEqual([]);
		expect(rig.fences.size).toBe(1);
		link.clear(SLOT);
		expect(rig.sent).toEqual(["a", "b", "c", "d", "e"]);
		expect(rig.fences.size).toBe(0);
		expect(rig.issue(rig.call("f"))).toBe(false);
	});

	test("C25 a connection that owes nothing else holds nothing up", () => {
		const rig = new Rig();
		rig.refuse(rig.call("a"), new FakeLink());
		expect(rig.sent).toEqual(["a"]);
		expect(rig.fences.size).toBe(0);
	});

	test("C25 every connection that owes commands of the slot has to be done with them", () => {
		const rig = new Rig();
		const links = [new FakeLink().owe(SLOT), new FakeLink().owe(SLOT)];
		for (const [i, link] of links.entries()) rig.refuse(rig.call(`a${i}`), link);
		links[0]!.clear(SLOT);
		expect(rig.sent).toEqual([]);
		links[1]!.clear(SLOT);
		expect(rig.sent).toEqual(["a0", "a1"]);
	});

	test("C25 one that is refused on the spot when the fence opens keeps the others behind it", () => {
		const rig = new Rig();
		const link = new FakeLink().owe(SLOT);
		const later = new FakeLink().owe(SLOT);
		const [a, b, c] = ["a", "b", "c"].map((name) => rig.call(name));
		rig.refuse(a!, link);
		rig.refuse(b!, link);
		rig.issue(c!);
		rig.onRoute = (call) => {
			rig.onRoute = () => {};
			rig.refuse(call, later);
		};
		link.clear(SLOT);
		expect(rig.sent).toEqual(["a"]);
		later.clear(SLOT);
		expect(rig.sent).toEqual(["a", "a", "b", "c"]);
	});

	test("C25 a guarded slot: nothing was refused, new commands wait all the same", () => {
		const rig = new Rig();
		const link = new FakeLink().owe(SLOT);
		rig.fences.guard(SLOT, link, rig.budget);
		expect(rig.issue(rig.call("new"))).toBe(true);
		link.clear(SLOT);
		expect(rig.sent).toEqual(["new"]);
		rig.fences.guard(SLOT, link, rig.budget);
		expect(rig.fences.size).toBe(0);
	});

	test("C25 other slots pass", () => {
		const rig = new Rig();
		const link = new FakeLink().owe(SLOT).owe(7);
		rig.refuse(rig.call("a"), link);
		expect(rig.issue(rig.call("other", { slot: 7 }))).toBe(false);
		rig.refuse(rig.call("b", { slot: 8 }), link);
		expect(rig.sent).toEqual(["b"]);
	});
});

describe("a server that is not ready", () => {
	test("C25 the first alone is tried again, as often as it is refused; the others follow its answer", () => {
		vi.useFakeTimers();
		const rig = new Rig();
		const link = new FakeLink().owe(SLOT);
		const [a, b, c] = ["a", "b", "c"].map((name) => rig.call(name));
		rig.refuse(a!, link, { pause: true });
		rig.refuse(b!, link, { pause: true });
		rig.issue(c!);
		link.clear(SLOT);
		expect(rig.sent).toEqual([]);
		for (let round = 1; round <= 3; round++) {
			vi.advanceTimersByTime(10);
			expect(rig.sent).toEqual(Array(round).fill("a"));
			if (round < 3) rig.refuse(a!, new FakeLink(), { pause: true });
		}
		rig.answer(a!);
		expect(rig.sent).toEqual(["a", "a", "a", "b", "c"]);
		expect(a!.result).toBe("OK");
	});

	test("C25 the first one is tried no more often than allowed; then the next is first", () => {
		vi.useFakeTimers();
		const rig = new Rig();
		const [a, b] = ["a", "b"].map((name) => rig.call(name));
		rig.onRoute = (call) => {
			if (call === a) call.attempt.answered(0, new ReplyError("BUSY no"), new FakeLink());
		};
		// As the connection's owner would, at each refusal.
		const refused = (): void => rig.refuse(a!, new FakeLink(), { pause: true, maxAttempts: 2 });
		a!.request.carrier = { refused, lost: () => {} };
		refused();
		rig.issue(b!);
		vi.advanceTimersByTime(100);
		expect(rig.sent).toEqual(["a", "a", "b"]);
		expect(a!.result).toMatchObject({ code: "LOADING", maybeExecuted: false });
	});

	test("C25 the first one's caller gave up while it was in flight: the next is sent only when it is back", () => {
		vi.useFakeTimers();
		const rig = new Rig();
		const [a, b] = ["a", "b"].map((name) => rig.call(name));
		rig.refuse(a!, new FakeLink(), { pause: true });
		rig.issue(b!);
		vi.advanceTimersByTime(10);
		a!.request.cancel(new ClientError("TIMEOUT", "late"));
		expect(rig.sent).toEqual(["a"]);
		rig.answer(a!);
		expect(rig.sent).toEqual(["a", "b"]);
		expect(a!.result).toMatchObject({ code: "TIMEOUT" });
	});

	test("C25 those whose callers gave up are left out", () => {
		vi.useFakeTimers();
		const rig = new Rig();
		const link = new FakeLink().owe(SLOT);
		const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map((name) => rig.call(name));
		rig.refuse(a!, link, { pause: true });
		rig.refuse(b!, link, { pause: true });
		rig.issue(e!);
		rig.issue(c!);
		rig.issue(d!);
		for (const call of [a, c]) call!.request.cancel(new ClientError("ABORTED", "no more"));
		link.clear(SLOT);
		vi.advanceTimersByTime(10);
		rig.answer(b!);
		expect(rig.sent).toEqual(["b", "e", "d"]);
		expect(rig.budget.commands).toBe(0);
	});

	test("C25 the end of the client settles everything at once and leaves no timer", () => {
		vi.useFakeTimers();
		const rig = new Rig();
		const [a, b] = ["a", "b"].map((name) => rig.call(name));
		rig.refuse(a!, null, { pause: true });
		rig.issue(b!);
		rig.fences.clear(new ClientError("CLOSED", "closed"));
		for (const call of [a, b]) expect(call!.result).toMatchObject({ code: "CLOSED" });
		expect(vi.getTimerCount()).toBe(0);
		expect(rig.budget.commands).toBe(0);
		expect(rig.sent).toEqual([]);
	});
});

describe("a later write that was executed", () => {
	test("C25 C32 the one that was sent alone overtakes nobody, when its connection is to be replaced meanwhile", () => {
		vi.useFakeTimers();
		const rig = new Rig();
		const [a, b] = ["a", "b"].map((name) => rig.call(name));
		const refusing = new FakeLink().owe(SLOT);
		for (const call of [a, b]) rig.refuse(call!, refusing, { pause: true });
		refusing.clear(SLOT);
		vi.advanceTimersByTime(10);
		expect(rig.sent).toEqual(["a"]);
		const link = new FakeLink().owe(SLOT);
		a!.attempt.link = link;
		rig.fences.guardAll(link, rig.budget);
		rig.answer(a!, link);
		link.wrote(SLOT);
		link.clear(SLOT);
		expect(a!.result).toBe("OK");
		expect(b!.result).toBeUndefined();
		expect(rig.sent).toEqual(["a", "b"]);
	});

	test("C25 refused writes are rejected with the server's error and never sent; refused reads are sent again", () => {
		const rig = new Rig();
		const link = new FakeLink().owe(SLOT);
		const write = rig.call("write");
		const read = rig.call("read", { flags: CommandFlag.readOnly });
		const behind = rig.call("behind");
		rig.refuse(write, link);
		rig.refuse(read, link);
		link.wrote(SLOT);
		expect(write.result).toMatchObject({ code: "LOADING", maybeExecuted: false });
		// Refused behind that write: nothing has overtaken it.
		rig.refuse(behind, link);
		link.clear(SLOT);
		expect(rig.sent).toEqual(["read", "behind"]);
		expect(rig.budget.commands).toBe(0);
	});

	test("C25 a write of another slot has overtaken nothing", () => {
		const rig = new Rig();
		const link = new FakeLink().owe(SLOT).owe(7);
		const write = rig.call("write");
		rig.refuse(write, link);
		link.wrote(7);
		expect(write.result).toBe(undefined);
		link.clear(SLOT);
		expect(rig.sent).toEqual(["write"]);
	});
});

test("C25 what a fence keeps counts against its node's bounds", () => {
	const rig = new Rig();
	const link = new FakeLink().owe(SLOT);
	rig.refuse(rig.call("a"), link);
	rig.issue(rig.call("b"));
	rig.issue(rig.call("c"));
	expect(rig.budget.commands).toBe(3);
	expect(rig.fences.budgetOf(SLOT)).toBe(rig.budget);
	expect(rig.fences.budgetOf(7)).toBe(null);
	link.clear(SLOT);
	expect(rig.budget.commands).toBe(0);
	expect(rig.fences.budgetOf(SLOT)).toBe(null);
});
