import { describe, expect, test } from "vitest";
import { ReplyError } from "../../src/errors.js";
import { classify, parseRedirection, resolveRedirection } from "../../src/refusal.js";
import { type Command, CommandFlag } from "../../src/request.js";
import { ReplyMode } from "../../src/resp/reply.js";

function command(flags = 0, slot = 5061): Command {
	return { args: ["GET", "bar"], slot, flags, mode: ReplyMode.string, elements: 0, target: null, bytes: 0, blockMs: 0 };
}

describe("the address of a redirection", () => {
	test.each([
		["MOVED 5061 127.0.0.1:7001", { slot: 5061, host: "127.0.0.1", port: 7001 }],
		["ASK 0 10.0.0.9:1", { slot: 0, host: "10.0.0.9", port: 1 }],
		["MOVED 16383 node-1.example.com:65535", { slot: 16383, host: "node-1.example.com", port: 65535 }],
		["MOVED 5061 ::1:7001", { slot: 5061, host: "::1", port: 7001 }],
		["MOVED 5061 [::1]:7001", { slot: 5061, host: "::1", port: 7001 }],
		["ASK 5061 2001:db8::ff00:42:8329:7001", { slot: 5061, host: "2001:db8::ff00:42:8329", port: 7001 }],
		["ASK 5061 [fe80::1%eth0]:7001", { slot: 5061, host: "fe80::1%eth0", port: 7001 }],
		["MOVED 5061 :7001", { slot: 5061, host: "", port: 7001 }],
		["MOVED 5061 ?:7001", { slot: 5061, host: "?", port: 7001 }],
		["MOVED 5061 :0", { slot: 5061, host: "?", port: 0 }],
	])("D08 %s is split at its last colon", (message, expected) => {
		expect(parseRedirection(message)).toEqual(expected);
		const kind = message.startsWith("MOVED") ? "moved" : "ask";
		expect(classify(new ReplyError(message), command())).toEqual({ kind, ...expected });
	});

	test.each([
		"MOVED __proto__ x",
		"MOVED __proto__ 127.0.0.1:7001",
		"MOVED constructor 127.0.0.1:7001",
		"MOVED 16384 127.0.0.1:7001",
		"MOVED 99999 127.0.0.1:7001",
		"MOVED 100000 127.0.0.1:7001",
		"MOVED -1 127.0.0.1:7001",
		"MOVED 1.5 127.0.0.1:7001",
		"MOVED 1e3 127.0.0.1:7001",
		"MOVED 0x10 127.0.0.1:7001",
		"MOVED  5061 127.0.0.1:7001",
		"MOVED 5061 127.0.0.1:0",
		"MOVED 5061 127.0.0.1:65536",
		"MOVED 5061 127.0.0.1:99999",
		"MOVED 5061 127.0.0.1:-1",
		"MOVED 5061 127.0.0.1:7001x",
		"MOVED 5061 127.0.0.1:",
		"MOVED 5061 127.0.0.1",
		"MOVED 5061",
		"MOVED",
		"ASK 5061 127.0.0.1:7001 more",
		"ASK ٥ 127.0.0.1:7001",
	])("D12 %j is no redirection: the error is the caller's", (message) => {
		expect(parseRedirection(message)).toBeNull();
		expect(classify(new ReplyError(message), command())).toEqual({ kind: "fail" });
	});

	test("D08 a host that was not named is that of the node that answered, with the port that was", () => {
		const origin = { host: "10.1.2.3", port: 6379 };
		expect(resolveRedirection({ host: "", port: 7001 }, origin)).toEqual({ host: "10.1.2.3", port: 7001 });
		expect(resolveRedirection({ host: "::1", port: 7001 }, origin)).toEqual({ host: "::1", port: 7001 });
	});

	test("D05 the host ? is nobody's address", () => {
		expect(resolveRedirection({ host: "?", port: 7001 }, { host: "10.1.2.3", port: 6379 })).toBeNull();
	});
});

describe("what an error asks for", () => {
	test.each([
		["TRYAGAIN Multiple keys request during rehashing of slot", "later"],
		["LOADING Redis is loading the dataset in memory", "later"],
		["CLUSTERDOWN Hash slot not served", "down"],
		["READONLY You can't write against a read only replica.", "demoted"],
		["BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", "busy"],
		["NOREPLICAS Not enough good replicas to write.", "busy"],
		["MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", "fail"],
		["BUSYGROUP Consumer Group name already exists", "fail"],
		["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "later"],
		["CROSSSLOT Keys in request don't hash to the same slot", "fail"],
		["WRONGTYPE Operation against a key holding the wrong kind of value", "fail"],
		["OOM command not allowed when used memory > 'maxmemory'.", "fail"],
		["ERR MOVED 5061 127.0.0.1:7001", "fail"],
		["moved 5061 127.0.0.1:7001", "fail"],
	])("D26 %s is met by: %s", (message, kind) => {
		expect(classify(new ReplyError(message), command())).toEqual({ kind });
	});

	test("TRYAGAIN to a multi-key command of a batch splits it", () => {
		expect(classify(new ReplyError("TRYAGAIN x"), command(CommandFlag.splittable))).toEqual({ kind: "split" });
	});

	test.each([
		"TRYAGAIN x",
		"LOADING x",
		"CLUSTERDOWN x",
		"MASTERDOWN x",
	])("a script that ends in %s may have had effects", (message) => {
		expect(classify(new ReplyError(message), command(CommandFlag.script))).toEqual({ kind: "fail" });
	});

	test("a script follows a redirection of its own slot only", () => {
		const moved = new ReplyError("MOVED 5061 127.0.0.1:7001");
		expect(classify(moved, command(CommandFlag.script, 5061))).toMatchObject({ kind: "moved", slot: 5061 });
		expect(classify(moved, command(CommandFlag.script, 5062))).toEqual({ kind: "fail" });
		expect(classify(moved, command(CommandFlag.script, -1))).toEqual({ kind: "fail" });
	});
});

describe("a server that does not know the connection any more", () => {
	const forgotten = { kind: "forgotten" };

	test.each([
		"NOAUTH Authentication required.",
		"ERR Protocol error: unauthenticated multibulk length",
		"ERR Protocol error: unauthenticated bulk length",
	])("C36 %s: nothing was executed, and the next connection may be known", (message) => {
		expect(classify(new ReplyError(message), command())).toEqual(forgotten);
		// Out of a script it may be a word of its own.
		expect(classify(new ReplyError(message), command(CommandFlag.script))).toEqual({ kind: "fail" });
	});

	test.each([
		"NOPERM this user has no permissions to run the 'get' command",
		"WRONGPASS invalid username-password pair or user is disabled.",
		"ERR Protocol error: invalid bulk length",
		"ERR unauthenticated multibulk length",
	])("C36 %s: it is the caller's", (message) => {
		expect(classify(new ReplyError(message), command())).toEqual({ kind: "fail" });
	});
});
