import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Argument } from "../../src/command-keys.js";
import {
	CommandInfo,
	CommandTable,
	commandSlot,
	fromCommandReply,
	lookup,
	type RequestPolicy,
	type ResponsePolicy,
	slotOfKeys,
} from "../../src/command-table.js";
import type { Reply } from "../../src/resp/reply.js";
import { keySlot } from "../../src/slot.js";

interface KeySample {
	args: string[];
	keys?: string[];
	error?: string;
}

function recorded(name: string): Record<string, unknown> {
	return JSON.parse(readFileSync(new URL(`../../fixtures/recorded/${name}`, import.meta.url), "utf8"));
}

/** A command line of words; `""` stands for an empty argument. */
function words(line: string): string[] {
	return line.split(" ").map((word) => (word === '""' ? "" : word));
}

function infoOf(args: readonly Argument[]): CommandInfo {
	const info = lookup(args);
	if (info === undefined) throw new Error(`no such command: ${args[0]}`);
	return info;
}

function keysOf(line: string): string[] {
	const args = words(line);
	return infoOf(args)
		.keys(args)
		.map((index) => args[index]!);
}

describe("lookup", () => {
	test.each(["GET", "get", "gEt"])("finds %s in any case, as string and as bytes", (name) => {
		expect(lookup([name, "k"])?.name).toBe("GET");
		expect(lookup([Buffer.from(name), "k"])).toBe(lookup(["GET", "k"]));
		expect(lookup([new Uint8Array(Buffer.from(name)), "k"])).toBe(lookup(["GET", "k"]));
	});

	test("resolves a container to its subcommand, in any case", () => {
		expect(lookup(["config", "get", "x"])?.name).toBe("CONFIG|GET");
		expect(lookup([Buffer.from("Config"), Buffer.from("Get"), "x"])?.name).toBe("CONFIG|GET");
		expect(lookup(["CONFIG"])?.name).toBe("CONFIG");
		expect(lookup(["COMMAND"])?.arity).toBe(-1);
	});

	test.each([
		[[]],
		[["NOSUCH"]],
		[["CONFIG", "NOSUCH"]],
		[["CONFIG|GET"]],
		[["toString"]],
		[["__proto__"]],
		[["G".repeat(100_000)]],
	])("knows nothing of %j", (args) => {
		expect(lookup(args)).toBeUndefined();
	});

	test("reads every line of the shipped table", () => {
		const { samples } = recorded("command-getkeys.json") as unknown as { samples: KeySample[] };
		for (const { args } of samples) {
			const info = infoOf(args);
			expect(info.keysKnown, info.name).toBe(true);
			expect(info.readOnly && info.write, info.name).toBe(false);
		}
	});
});

describe("keys", () => {
	const { server, samples } = recorded("command-getkeys.json") as unknown as { server: string; samples: KeySample[] };
	// Channels are no keys to COMMAND GETKEYS, yet their slot routes these three.
	const channels = ["SPUBLISH", "SSUBSCRIBE", "SUNSUBSCRIBE"];
	const usable = samples.filter(({ args, error }) => !channels.includes(args[0]!) && !error?.includes("|getkeys"));

	// GETKEYS reads these counts leniently, the command itself does not: "ERR numkeys should be greater than 0".
	const refusedAtExecution = ["SINTERCARD 1x a b", "SINTERCARD 01 a b", "SINTERCARD +1 a b"];

	/** The keys by our table, or the word REFUSED. */
	const ours = (args: string[]): string[] | "REFUSED" => {
		try {
			const info = infoOf(args);
			return info.keys(args).map((index) => args[index]!);
		} catch (error) {
			expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
			return "REFUSED";
		}
	};

	test(`every sample has the keys that COMMAND GETKEYS of ${server} names`, () => {
		const named = usable.filter(({ args, keys }) => keys?.length && !refusedAtExecution.includes(args.join(" ")));
		expect(named.length).toBeGreaterThan(350);
		for (const { args, keys } of named) expect(ours(args), args.join(" ")).toEqual(keys);
	});

	test("a sample without keys for the server has none here, or is refused for its number of keys", () => {
		// To EVAL and FCALL the server answers an empty list, also when their count is malformed.
		const keyless = usable.filter(({ keys, error }) => keys?.length === 0 || error === "ERR The command has no key arguments");
		expect(keyless.length).toBeGreaterThan(200);
		for (const { args } of keyless) {
			const malformed =
				/^(EVAL|FCALL)/.test(args[0]!) && args.length > 2 && !(Number(args[2]) <= args.length - 3 && Number(args[2]) >= 0);
			expect(ours(args), args.join(" ")).toEqual(malformed ? "REFUSED" : []);
		}
	});

	test("a sample that the server refuses is refused here too, or left to the server", () => {
		const refused = usable.filter(({ error }) => error === "ERR Invalid arguments specified for command");
		expect(refused.length).toBeGreaterThan(15);
		for (const { args } of refused) {
			const left = args[0] === "MIGRATE" ? ["a"] : args[0]!.startsWith("XREAD") ? [] : "REFUSED";
			expect(ours(args), args.join(" ")).toEqual(left);
		}
		for (const line of refusedAtExecution) expect(ours(words(line)), line).toBe("REFUSED");
	});

	test.each([
		["EVALSHA x two a", 2],
		["EVAL x -1 a", 2],
		["EVAL x 1.0 a", 2],
		["EVAL x 1e0 a", 2],
		["EVAL x 2 a", 2],
		["FCALL f 99999999999999999999 a", 2],
		['FCALL f "" a', 2],
		["ZUNION nine a", 1],
		["ZUNIONSTORE d 2 a", 2],
		["BLMPOP 0 x a LEFT", 2],
		["MSETEX 3 a 1 b 2", 1],
		["TDIGEST.MERGE d 3 a b", 2],
	])("a malformed number of keys is refused by its index: %s", (line, index) => {
		const args = words(line);
		expect(() => infoOf(args).keys(args)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", index }));
		expect(() => commandSlot(args, infoOf(args))).toThrow(expect.objectContaining({ index }));
	});

	test("B14 the refusal of a number of keys does not show it", () => {
		expect(() => keysOf("EVAL return secret a")).toThrow(/^(?!.*secret)/);
	});

	test("scripts are routed by the keys they declare", () => {
		expect(keysOf("EVAL s 2 a b c")).toEqual(["a", "b"]);
		expect(keysOf("FCALL f 0 a")).toEqual([]);
		const args = [Buffer.from("evalsha"), Buffer.from("sha"), Buffer.from("1"), Buffer.from([0xff, 0]), "x"];
		expect(commandSlot(args, infoOf(args))).toBe(1023);
		for (const name of ["EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO"])
			expect(infoOf([name]).script, name).toBe(true);
		expect(infoOf(["SCRIPT", "LOAD", "x"]).script).toBe(false);
	});

	test.each([
		["HEXPIRE h 10 FIELDS 1 f", "h"],
		["HGETEX h EX 10 FIELDS 1 f", "h"],
		["HSETEX h FNX EX 10 FIELDS 1 f v", "h"],
		["MSETEX 2 a 1 b 2 EX 10", "a b"],
		["DELEX k IFEQ v", "k"],
		["DELIFEQ k v", "k"],
		["XACKDEL s g IDS 1 1-1", "s"],
		["VSIM v ELE x", "v"],
		["JSON.SET j $ 1", "j"],
		["JSON.MGET a b $", "a b"],
		["JSON.MSET a $ 1 b $ 2", "a b"],
		["JSON.DEBUG MEMORY j", "j"],
		["BF.ADD b x", "b"],
		["CMS.MERGE d 2 a b WEIGHTS 1 2", "d a b"],
		["TS.CREATERULE a b AGGREGATION avg 60", "a b"],
		["TS.MADD a 1 1 b 1 1", "a b"],
		["FT.SEARCH idx query", ""],
		["FT.SUGADD s x 1", "s"],
		["CLUSTER SLOT-STATS SLOTSRANGE 0 1", ""],
		["WAITAOF 1 0 0", ""],
		["SPUBLISH ch m", "ch"],
		["SSUBSCRIBE a b", "a b"],
	])("a command newer than the server's table: %s", (line, keys) => {
		expect(keysOf(line)).toEqual(keys === "" ? [] : keys.split(" "));
	});

	test("onlyKey stands exactly where keys() always finds that one key", () => {
		for (const { args } of usable) {
			const info = infoOf(args);
			if (info.onlyKey !== 0) expect(info.keys(args)).toEqual(info.onlyKey < args.length ? [info.onlyKey] : []);
		}
		expect(infoOf(["GET"]).onlyKey).toBe(1);
		expect(infoOf(["XGROUP", "CREATE"]).onlyKey).toBe(2);
		expect(infoOf(["MGET"]).onlyKey).toBe(0);
	});

	test("keys lie within the arguments, ascend within a rule and throw nothing but INVALID_ARGUMENT, whatever the arguments", () => {
		const names = [...new Set(samples.map(({ args }) => args[0]!))];
		const word = fc.oneof(
			fc.constantFrom("STREAMS", "store", "KEYS", "BLOCK", "GET", "BY", "LIMIT", "AUTH", "0", "1", "2", "", "99"),
			fc.string(),
		);
		fc.assert(
			fc.property(fc.constantFrom(...names), fc.array(word, { maxLength: 8 }), (name, rest) => {
				const args = [name, ...rest];
				const info = lookup(args);
				if (info === undefined) return;
				try {
					for (const index of info.keys(args)) expect(args[index]).toBeDefined();
				} catch (error) {
					expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
				}
				const timeout = info.blockTimeoutMs(args);
				expect(timeout === null || timeout >= 0).toBe(true);
			}),
			{ numRuns: 3000 },
		);
	});
});

describe("commandSlot", () => {
	test("D26 keys of one slot give it, keys of different slots are CROSSSLOT", () => {
		const same = ["MGET", "{t}a", "{t}b", Buffer.from("{t}c")];
		expect(commandSlot(same, infoOf(same))).toBe(keySlot("t"));
		const error = (() => {
			try {
				commandSlot(["mget", "foo", "bar"], infoOf(["mget"]));
			} catch (caught) {
				return caught;
			}
			return null;
		})();
		expect(error).toMatchObject({ code: "CROSSSLOT" });
		expect((error as Error).message).toMatch(/^MGET: .*12182.*5061/);
		expect((error as Error).message).not.toMatch(/foo|bar/);
	});

	test.each([
		"SORT foo STORE bar",
		"ZUNIONSTORE foo 1 bar",
		"RENAME foo bar",
		"XREAD STREAMS foo bar 0 0",
		"MSET foo 1 bar 2",
	])("D26 movable and spaced keys count: %s", (line) => {
		const args = words(line);
		expect(() => commandSlot(args, infoOf(args))).toThrow(expect.objectContaining({ code: "CROSSSLOT" }));
	});

	test("no key is no slot; the empty key is slot 0", () => {
		expect(commandSlot(["PING"], infoOf(["PING"]))).toBe(-1);
		expect(commandSlot(["EVAL", "s", "0"], infoOf(["EVAL"]))).toBe(-1);
		expect(commandSlot(["GET"], infoOf(["GET"]))).toBe(-1);
		expect(commandSlot(["GET", ""], infoOf(["GET"]))).toBe(0);
		expect(slotOfKeys([], "FOO")).toBe(-1);
		expect(slotOfKeys(["foo", "{foo}"], "FOO")).toBe(12182);
	});
});

describe("policies", () => {
	test.each<[string, RequestPolicy, ResponsePolicy]>([
		["GET k", "any", "first"],
		["DEL a b", "any", "sum"],
		["ECHO x", "any", "first"],
		["PING", "all-primaries", "all-succeeded"],
		["DBSIZE", "all-primaries", "sum"],
		["KEYS *", "all-primaries", "concat"],
		["FLUSHALL", "all-primaries", "all-succeeded"],
		["SCRIPT EXISTS x", "all-primaries", "logical-and"],
		["SCRIPT LOAD x", "all-nodes", "all-succeeded"],
		["SCRIPT KILL", "all-primaries", "one-succeeded"],
		["FUNCTION LOAD x", "all-primaries", "all-succeeded"],
		["CONFIG SET a b", "all-nodes", "all-succeeded"],
		["CONFIG GET a", "any", "first"],
		["WAIT 1 0", "all-primaries", "min"],
		["SLOWLOG GET", "all-nodes", "concat"],
		["SCAN 0", "special", "special"],
		["INFO", "all-primaries", "special"],
		["ACL SETUSER u on", "all-nodes", "all-succeeded"],
	])("D53 %s is sent to %s and answered by %s", (line, request, response) => {
		const info = infoOf(words(line));
		expect([info.requestPolicy, info.responsePolicy]).toEqual([request, response]);
	});

	test("readOnly is the server's flag", () => {
		for (const line of ["GET k", "MGET k", "XREAD STREAMS s 0", "EVAL_RO s 0", "SORT_RO k", "DBSIZE", "OBJECT ENCODING k"]) {
			expect(infoOf(words(line)).readOnly, line).toBe(true);
		}
		for (const line of ["SET k v", "GETEX k", "GETDEL k", "SORT k", "EVAL s 0", "PUBLISH c m", "SPOP s", "HGETEX h FIELDS 1 f"]) {
			expect(infoOf(words(line)).readOnly, line).toBe(false);
		}
	});
});

describe("CommandTable", () => {
	const element: Reply = ["mod.set", 3, ["write", "denyoom"], 1, 1, 1, [], ["response_policy:agg_max"], undefined as never, []];

	test("learns what the shipped table lacks, for one client only", () => {
		const table = new CommandTable();
		expect(table.lookup(["MOD.SET", "k", "v"])).toBeUndefined();
		table.learn("mod.set", element);
		expect(table.lookup(["Mod.Set", "k", "v"])).toMatchObject({
			name: "MOD.SET",
			write: true,
			onlyKey: 1,
			responsePolicy: "max",
		});
		expect(new CommandTable().lookup(["MOD.SET", "k", "v"])).toBeUndefined();
		expect(table.lookup([])).toBeUndefined();
	});

	test("a command that the server does not know is learned as one without keys", () => {
		const table = new CommandTable();
		table.learn("NOSUCH", null);
		const info = table.lookup([Buffer.from("nosuch"), "k"])!;
		expect(info).toMatchObject({ name: "NOSUCH", keysKnown: true, requestPolicy: "any", readOnly: false });
		expect(commandSlot(["nosuch", "k"], info)).toBe(-1);
	});

	test("a new subcommand of a known container is learned by its full name", () => {
		const table = new CommandTable();
		expect(table.lookup(["CLIENT", "DANCE"])).toBeUndefined();
		expect(table.unknownName([Buffer.from("client"), "dance", "x"])).toBe("CLIENT|DANCE");
		table.learn("CLIENT|DANCE", ["client|dance", 2, ["noscript"], 0, 0, 0, [], [], [], []]);
		expect(table.lookup(["client", "dance"])?.name).toBe("CLIENT|DANCE");
		expect(table.lookup(["client", "list"])).toBe(lookup(["CLIENT", "LIST"]));
	});

	test("a learned container resolves to its subcommands, and asks about those it lacks", () => {
		const table = new CommandTable();
		expect(table.unknownName(["mod", "x"])).toBe("MOD");
		const sub: Reply = ["mod|dump", 3, ["readonly"], 2, 2, 1, [], [], undefined as never, []];
		table.learn("MOD", ["mod", -2, [], 0, 0, 0, [], [], [], [sub]]);
		expect(table.lookup(["mod", "Dump", "k"])).toMatchObject({ name: "MOD|DUMP", onlyKey: 2, readOnly: true });
		expect(table.lookup(["mod", "load", "k"])).toBeUndefined();
		expect(table.unknownName(["mod", "load", "k"])).toBe("MOD|LOAD");
		table.learn("MOD|LOAD", null);
		expect(table.lookup(["mod", "load", "k"])?.name).toBe("MOD|LOAD");
	});

	test("names too long to be one are not asked about", () => {
		expect(new CommandTable().unknownName(["x".repeat(1000), "y"])).toBeNull();
		expect(new CommandTable().unknownName(["CLIENT", "x".repeat(1000)])).toBeNull();
	});

	test("a reply that describes nothing leaves the keys unknown", () => {
		const table = new CommandTable();
		table.learn("ODD", []);
		expect(table.lookup(["odd"])).toMatchObject({ name: "ODD", keysKnown: false });
	});

	test("the shipped table wins over a server's", () => {
		const table = new CommandTable();
		table.learn("SORT", ["sort", -2, ["write", "movablekeys"], 1, 1, 1]);
		expect(table.lookup(["SORT", "k"])).toBe(lookup(["SORT", "k"]));
	});

	test("what is learned is bounded", () => {
		const table = new CommandTable();
		for (let i = 0; i < 3000; i++) table.learn(`X${i}`, null);
		expect(table.lookup(["X0"])).toBeUndefined();
		expect(table.lookup(["X2999"])?.name).toBe("X2999");
	});

	test("CommandInfo is one shape: no command lacks a field", () => {
		expect(
			new Set([lookup(["GET"]), lookup(["CONFIG", "GET"]), fromCommandReply(element)].map((info) => Object.keys(info!).join())),
		).toHaveProperty("size", 1);
		expect(lookup(["GET"])).toBeInstanceOf(CommandInfo);
	});
});
