/** What the replies to MULTI, two commands and EXEC come to. */
import { describe, expect, test } from "vitest";
import { ReplyError } from "../../src/errors.js";
import type { Reply } from "../../src/resp/reply.js";
import { TransactionReplies } from "../../src/transaction-request.js";

const moved = new ReplyError("MOVED 5061 10.0.0.1:6379");
const oom = new ReplyError("OOM command not allowed when used memory > 'maxmemory'.");
const abort = new ReplyError("EXECABORT Transaction discarded because of previous errors.");
const nested = new ReplyError("ERR MULTI calls can not be nested");
const denied = new ReplyError("NOPERM this user has no permissions to run the 'multi' command");
const without = new ReplyError("ERR EXEC without MULTI");
const unknown = new ReplyError("ERR unknown command 'EXEC'");
const Q = "QUEUED";

function verdict(...replies: Reply[]): object | undefined {
	const follow = new TransactionReplies(2);
	let last: object | undefined;
	for (const [index, reply] of replies.entries()) {
		expect(last).toBeUndefined();
		last = follow.take(index, reply);
	}
	return last;
}

test.each<[string, Reply[], object]>([
	["executed", ["OK", Q, Q, [1, null]], { kind: "executed", replies: [1, null] }],
	["executed, with an error among them", ["OK", Q, Q, [1, oom]], { kind: "executed", replies: [1, oom] }],
	["a watched key changed", ["OK", Q, Q, null], { kind: "failed", stuck: false, error: { code: "WATCH", maybeExecuted: false } }],
	["the first was refused", ["OK", moved, Q, abort], { kind: "refused", error: moved, at: 0 }],
	["both were refused: the first counts", ["OK", moved, oom, abort], { kind: "refused", error: moved, at: 0 }],
	["the second was refused", ["OK", Q, oom, abort], { kind: "refused", error: oom, at: 1 }],
	["EXEC was redirected", ["OK", Q, Q, moved], { kind: "refused", error: moved, at: -1 }],
	[
		"EXEC was refused, with its reason",
		["OK", Q, Q, new ReplyError("EXECABORT Transaction discarded because of: READONLY You can't")],
		{ kind: "refused", error: { code: "READONLY" }, at: -1 },
	],
	["EXEC was refused, with no reason", ["OK", Q, Q, abort], { kind: "refused", error: abort, at: -1 }],
	["nothing is allowed", [denied, denied, denied, denied], { kind: "refused", error: denied, at: -1 }],
	[
		"MULTI alone is not allowed",
		[denied, "OK", 1, without],
		{ kind: "failed", stuck: false, error: { code: "NOPERM", maybeExecuted: true } },
	],
	[
		"it was inside of one already",
		[nested, Q, Q, [1, 2]],
		{ kind: "failed", stuck: false, error: { code: "ERR", maybeExecuted: true } },
	],
	["EXEC is not known", ["OK", Q, Q, unknown], { kind: "failed", stuck: true, error: unknown }],
	["too few replies", ["OK", Q, Q, [1]], { kind: "failed", stuck: true, error: { code: "PROTOCOL", maybeExecuted: true } }],
	["executed in spite of a refusal", ["OK", oom, Q, [1]], { kind: "failed", stuck: true, error: { code: "PROTOCOL" } }],
	["no list", ["OK", Q, Q, "OK"], { kind: "failed", stuck: true, error: { code: "PROTOCOL" } }],
])("%s", (_, replies, expected) => {
	expect(verdict(...replies)).toMatchObject(expected);
});

describe("the next try", () => {
	test("knows nothing of the one before", () => {
		const follow = new TransactionReplies(1);
		for (const [index, reply] of [moved, moved, abort].entries()) follow.take(index, reply);
		for (const [index, reply] of ["OK", Q].entries()) follow.take(index, reply);
		expect(follow.take(2, [7])).toEqual({ kind: "executed", replies: [7] });
	});
});
