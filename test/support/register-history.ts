/**
 * Judges what callers saw of one key. Each write writes a value of its own, which makes it simple: all that was said of one value, its
 * write and the reads that gave it, stands together in any right order, and with it the time from its first answer to its last question.
 *
 *     first answer < last question     the value stood there all that time: two such values must not overlap,
 *     last question < first answer     it stood there at some moment between: there must be one that no other value had whole.
 *
 * @see https://doi.org/10.1137/S0097539794279614 Gibbons and Korach, Testing Shared Memories (SIAM J. Comput. 1997)
 */
export interface Operation {
	readonly kind: "read" | "write";
	/** What was written, or read; null: there was no such key. */
	readonly value: string | null;
	/** When it was asked, and when the answer was there, on one scale; infinite: never, and a write may have been made or not. */
	readonly asked: number;
	readonly answered: number;
}

/** What is wrong with a history of one key that was `initial` before it; null: some order of its operations explains it. */
export function violation(operations: readonly Operation[], initial: string): string | null {
	const wrong = unexplained(operations, initial);
	if (wrong !== null) return wrong;
	const stood: Span[] = [];
	const passed: Span[] = [];
	for (const [value, all] of byValue(operations, initial)) {
		// Never answered and never seen: it may not have been made.
		if (all.every(({ answered }) => answered === Number.POSITIVE_INFINITY)) continue;
		const firstAnswer = Math.min(...all.map(({ answered }) => answered));
		const lastQuestion = Math.max(...all.map(({ asked }) => asked));
		if (firstAnswer < lastQuestion) stood.push({ value, from: firstAnswer, to: lastQuestion });
		else passed.push({ value, from: lastQuestion, to: firstAnswer });
	}
	stood.sort((one, other) => one.from - other.from);
	for (const [i, span] of stood.entries()) {
		const next = stood[i + 1];
		if (next !== undefined && next.from < span.to)
			return `${span.value} was there after ${next.value} had replaced it, or the reverse`;
		const hidden = passed.find(({ from, to }) => span.from < from && to < span.to);
		if (hidden !== undefined) return `${hidden.value} was written while ${span.value} was there before and after`;
	}
	return null;
}

/** Only that each value read was written, and not later than it was read: what holds for copies that lag. */
export function unexplained(operations: readonly Operation[], initial: string): string | null {
	for (const [value, all] of byValue(operations, initial)) {
		const written = all.filter(({ kind }) => kind === "write");
		if (written.length === 0) return `${value} was read and never written`;
		if (written.length > 1) throw new Error(`${value} was written twice: the history cannot be judged`);
		if (all.some(({ answered }) => answered < written[0]!.asked)) return `${value} was read before it was written`;
	}
	return null;
}

interface Span {
	readonly value: string | null;
	readonly from: number;
	readonly to: number;
}

function byValue(operations: readonly Operation[], initial: string): Map<string | null, Operation[]> {
	const before = Number.NEGATIVE_INFINITY;
	const groups = new Map<string | null, Operation[]>();
	for (const operation of [{ kind: "write", value: initial, asked: before, answered: before } as const, ...operations]) {
		// A read without an answer says nothing.
		if (operation.kind === "read" && operation.answered === Number.POSITIVE_INFINITY) continue;
		const group = groups.get(operation.value);
		if (group === undefined) groups.set(operation.value, [operation]);
		else group.push(operation);
	}
	return groups;
}
