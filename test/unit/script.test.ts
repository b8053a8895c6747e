/** `defineScript`, and the one error that says a script is unknown. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Commands } from "../../src/commands/commands.js";
import type { Result, Surface, Words } from "../../src/commands/surface.js";
import { defineScript, InvalidOptionError, ReplyError } from "../../src/index.js";
import { isUnknownScript, ScriptRun } from "../../src/script.js";

const sha1 = (bytes: string | Uint8Array): string => createHash("sha1").update(bytes).digest("hex");

describe("defineScript", () => {
	test("H07 the hash is that of the exact bytes: of UTF-8 for a string, of a Buffer as it is", () => {
		const lua = "return 'ключ 日本 😀'";
		expect(defineScript({ keys: 0, lua }).sha1).toBe(sha1(Buffer.from(lua, "utf8")));
		const bytes = Buffer.from([...Buffer.from("return '"), 0xff, 0x00, 0xfe, 0x27]);
		expect(defineScript({ keys: 0, lua: bytes }).sha1).toBe(sha1(bytes));
		expect(defineScript({ keys: 0, lua: new Uint8Array(bytes) }).sha1).toBe(sha1(bytes));
		// As servers give it: of "return 1".
		expect(defineScript({ keys: 0, lua: "return 1" }).sha1).toBe("e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
	});

	test("H07 a Buffer that changes later changes nothing, and neither does the script", () => {
		const lua = Buffer.from("return 1");
		const script = defineScript({ keys: 1, lua });
		lua.fill(0);
		expect((script as unknown as { text: Buffer }).text.toString()).toBe("return 1");
		expect(() => Object.assign(script, { keys: 2 })).toThrow(TypeError);
	});

	test("H07 defaults: no key count for any, not read-only, replies as they are", () => {
		expect(defineScript({ keys: "any", lua: "return 1" })).toMatchObject({ keys: null, readOnly: false, reply: null });
		expect(defineScript({ keys: null, lua: "return 1", readOnly: true })).toMatchObject({ keys: null, readOnly: true });
	});

	test.each([
		[undefined, "definition"],
		[{ lua: "return 1" }, "keys"],
		[{ keys: -1, lua: "return 1" }, "keys"],
		[{ keys: 1.5, lua: "return 1" }, "keys"],
		[{ keys: "1", lua: "return 1" }, "keys"],
		[{ keys: 1 }, "lua"],
		[{ keys: 1, lua: 5 }, "lua"],
		[{ keys: 1, lua: "return '\ud800'" }, "lua"],
		[{ keys: 1, lua: "return 1", readOnly: 1 }, "readOnly"],
		[{ keys: 1, lua: "return 1", reply: "number" }, "reply"],
		[{ keys: 1, lua: "return 1", read_only: true }, "read_only"],
	])("H07 %j is refused by the name of the field %s", (definition, field) => {
		const define = () => defineScript(definition as never);
		expect(define).toThrow(InvalidOptionError);
		expect(define).toThrow(expect.objectContaining({ field }));
	});
});

describe("what takes commands without a way to try again", () => {
	interface Said extends Surface {
		readonly result: Words;
	}
	class Sayer extends Commands<string, Said> {
		protected override send<R>(words: Words | (() => Words)): Result<Said, R> {
			return typeof words === "function" ? words() : words;
		}
	}

	test("H08 is given the text, as is a transaction", () => {
		const text = Buffer.from("return 1");
		expect(new Sayer().run(defineScript({ keys: 1, lua: "return 1" }), ["k"], [5])).toEqual(["EVAL", text, 1, "k", 5]);
		const reads = defineScript({ keys: null, lua: "return 1", readOnly: true, reply: Number });
		expect(new Sayer().run(reads)).toEqual(["EVAL_RO", text, 0]);
		expect(() => new Sayer().run(reads, [], 5 as never)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", index: 3 }));
	});
});

describe("NOSCRIPT", () => {
	const script = defineScript({ keys: 0, lua: "return 1" });
	const command = { args: ["EVALSHA", script.sha1, "0"] };

	test.each(["NOSCRIPT No matching script. Please use EVAL.", "NOSCRIPT No matching script."])("H07 %s", (message) => {
		expect(isUnknownScript(new ReplyError(message), command)).toBe(true);
		expect(isUnknownScript(new ReplyError(message), { args: ["evalsha_ro", script.sha1, "0"] })).toBe(true);
		expect(isUnknownScript(new ReplyError(message), { ...command, script: new ScriptRun(script as never) })).toBe(true);
	});

	test("H09 what a script says itself is no sign that it is unknown", () => {
		for (const message of [
			"NOSCRIPT mine",
			"NOSCRIPT",
			"NOSCRIPT No matching script. Please use EVAL. script: abc, on @user_script:1.",
		]) {
			expect(isUnknownScript(new ReplyError(message), command)).toBe(false);
		}
		const genuine = new ReplyError("NOSCRIPT No matching script. Please use EVAL.");
		for (const name of ["EVAL", "FCALL", "GET"]) expect(isUnknownScript(genuine, { args: [name, "x", "0"] })).toBe(false);
		const withText = Object.assign(new ScriptRun(script as never), { byText: true });
		expect(isUnknownScript(genuine, { ...command, script: withText })).toBe(false);
	});
});
