import { describe, expect, test } from "vitest";
import type { Argument } from "../../src/command-keys.js";
import { withBlockTime } from "../../src/command-shared.js";
import { type CommandInfo, lookup, sharedRefusal } from "../../src/command-table.js";

/** A command line of words; `""` stands for an empty argument. */
function words(line: string): string[] {
	return line.split(" ").map((word) => (word === '""' ? "" : word));
}

function infoOf(args: readonly Argument[]): CommandInfo {
	const info = lookup(args);
	if (info === undefined) throw new Error(`no such command: ${args[0]}`);
	return info;
}

function refusalOf(args: readonly Argument[]): string | null {
	return sharedRefusal(args, infoOf(args));
}

describe("sharedRefusal", () => {
	const state = `SELECT 1|AUTH u p|HELLO 3|RESET|QUIT|MULTI|EXEC|DISCARD|WATCH k|UNWATCH|READONLY|READWRITE|ASKING|SCRIPT DEBUG YES
		|SUBSCRIBE c|PSUBSCRIBE c*|SSUBSCRIBE c|UNSUBSCRIBE|PUNSUBSCRIBE|SUNSUBSCRIBE|MONITOR|SYNC|PSYNC ? -1|REPLCONF ack 0
		|CLIENT REPLY OFF|CLIENT TRACKING ON|CLIENT CACHING YES|CLIENT NO-EVICT ON|CLIENT NO-TOUCH ON|CLIENT SETNAME n|CLIENT SETINFO lib-name x
		|CLIENT CAPA redirect|CLIENT IMPORT-SOURCE ON|CLUSTER SYNCSLOTS ESTABLISH`;
	const blocking = `BLPOP k 0|BRPOP k 1|BRPOPLPUSH a b 0|BLMOVE a b LEFT LEFT 0|BLMPOP 0 1 k LEFT|BZPOPMIN k 0|BZPOPMAX k 0|BZMPOP 0 1 k MIN
		|WAIT 1 0|WAITAOF 1 0 0|XREAD BLOCK 0 STREAMS s $|XREAD COUNT 1 BLOCK 5 STREAMS s $|XREADGROUP GROUP g c BLOCK 0 STREAMS s >
		|XREADGROUP BLOCK 0 GROUP g c STREAMS s >`;
	const lines = (text: string) => text.split("|").map((line) => line.trim());

	test.each([...lines(state), ...lines(blocking)])("B12 refused on a shared connection, in any case and as bytes: %s", (line) => {
		const args = words(line);
		const reason = refusalOf(args)!;
		expect(reason).toContain(infoOf(args).name.replace("|", " "));
		expect(refusalOf(args.map((arg) => arg.toLowerCase()))).toBe(reason);
		expect(refusalOf(args.map((arg) => Buffer.from(arg.toLowerCase())))).toBe(reason);
	});

	test.each(
		lines(`GET k|XREAD STREAMS s 0|XREAD COUNT 1 STREAMS block 0|XREADGROUP GROUP block block COUNT 1 STREAMS s >|SET block block|PING|SHUTDOWN
			|FAILOVER|FLUSHALL|CLIENT LIST|CLIENT KILL ID 1|CLIENT ID|CLIENT PAUSE 1|SCRIPT LOAD s|PUBLISH c m|SPUBLISH c m|SWAPDB 0 1|CLUSTER SLOTS`),
	)("B12 allowed on a shared connection: %s", (line) => {
		expect(refusalOf(words(line))).toBeNull();
	});

	test("B12 B14 the reason names the command and none of its arguments", () => {
		expect(refusalOf(["AUTH", "alice", "sekret"])).not.toMatch(/alice|sekret/);
		expect(refusalOf(["BLPOP", "sekret", "0"])).not.toMatch(/sekret/);
	});
});

describe("blockTimeoutMs", () => {
	test.each<[string, number | null]>([
		["BLPOP a b 1.5", 1500],
		["BRPOP a 0", 0],
		["BLPOP a 0.0001", 1],
		["BRPOPLPUSH a b 2", 2000],
		["BLMOVE a b LEFT RIGHT 3", 3000],
		["BZPOPMIN a 0.25", 250],
		["BZPOPMAX a 1e1", 10_000],
		["BLMPOP 4 1 a LEFT", 4000],
		["BZMPOP 5 1 a MIN", 5000],
		["WAIT 1 250", 250],
		["WAITAOF 1 0 300", 300],
		["XREAD BLOCK 0 STREAMS s $", 0],
		["xread count 1 block 70 streams s $", 70],
		["XREADGROUP BLOCK 9 GROUP g c STREAMS s >", 9],
		["XREAD STREAMS s 0", null],
		["XREADGROUP GROUP block 5 STREAMS s >", null],
		["GET k", null],
		["BLPOP a x", null],
		["BLPOP a -1", null],
		["BLPOP a inf", null],
		['BLPOP a ""', null],
	])("%s may block %j ms", (line, timeout) => {
		const args = words(line);
		expect(infoOf(args).blockTimeoutMs(args)).toBe(timeout);
		const bytes = args.map((arg) => Buffer.from(arg));
		expect(infoOf(bytes).blockTimeoutMs(bytes)).toBe(timeout);
	});
});

describe("withBlockTime", () => {
	test.each([
		["BLPOP a b 10", 6000, "BLPOP a b 6"],
		["BRPOP a 10", 1234.5, "BRPOP a 1.235"],
		["BLMOVE a b LEFT LEFT 10", 0.2, "BLMOVE a b LEFT LEFT 0.01"],
		["BZPOPMIN a 10", 0, "BZPOPMIN a 0.01"],
		["BLMPOP 10 1 a LEFT", 2500, "BLMPOP 2.5 1 a LEFT"],
		["BZMPOP 10 2 a b MIN COUNT 3", 9_000_000_000_123, "BZMPOP 9000000000.123 2 a b MIN COUNT 3"],
		["xread count 1 block 70 streams s $", 30.1, "xread count 1 block 31 streams s $"],
		["XREADGROUP GROUP block c BLOCK 9 STREAMS s >", 0, "XREADGROUP GROUP block c BLOCK 1 STREAMS s >"],
		["XREAD STREAMS s 0", 5, "XREAD STREAMS s 0"],
	])("C34 %s with %d ms left is %s", (line, ms, expected) => {
		const args = words(line);
		const frozen = Object.freeze([...args]);
		expect(withBlockTime(frozen, infoOf(args), ms)).toEqual(words(expected));
	});
});
