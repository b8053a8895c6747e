/** Which form of a script's call a connection writes, given what it heard so far. */
import { describe, expect, test } from "vitest";
import { KnownScripts, type Trust } from "../../../src/connection/known-scripts.js";
import { defineScript, ReplyError } from "../../../src/index.js";
import { type Command, CommandFlag } from "../../../src/request.js";
import { ReplyMode } from "../../../src/resp/reply.js";
import { type DefinedScript, ScriptRun } from "../../../src/script.js";

const SLOT = 5061;
const unknown = new ReplyError("NOSCRIPT No matching script. Please use EVAL.");

let defined = 0;
const fresh = (): DefinedScript => defineScript({ keys: 1, lua: `return ${++defined}` }) as never;

function call(script: DefinedScript, slot = SLOT): Command & { script: ScriptRun } {
	const args = ["EVALSHA", script.sha1, "1", "{bar}"];
	const flags = CommandFlag.script | CommandFlag.byHash;
	const run = new ScriptRun(script);
	return { args, slot, flags, mode: ReplyMode.string, elements: 0, target: null, bytes: 0, blockMs: 0, script: run };
}

/** Writes a call; the name that it went by. */
const written = (known: KnownScripts, command: Command, trust: Trust = "known"): string => String(known.words(command, trust)[0]);

describe("H08 the form of a call", () => {
	test("the text at first; by hash behind it, in its slot alone; by hash everywhere once it was accepted", () => {
		const known = new KnownScripts();
		const script = fresh();
		const first = call(script);
		expect(written(known, first)).toBe("EVAL");
		expect(known.words(first, "none")).toEqual(["EVAL", script.text, "1", "{bar}"]);
		expect(written(known, call(script))).toBe("EVALSHA");
		expect(written(known, call(script, 1))).toBe("EVAL");
		expect(written(known, call(fresh()))).toBe("EVAL");
		known.answered(first, 1);
		expect(written(known, call(script, 2))).toBe("EVALSHA");
		expect(known.has(call(script, 3))).toBe(true);
	});

	test("by hash where a refusal does no harm, the text where it would", () => {
		const known = new KnownScripts();
		const script = fresh();
		expect(written(known, call(script), "blind")).toBe("EVALSHA");
		expect(known.has(call(script))).toBe(false);
		const accepted = call(script);
		written(known, accepted, "blind");
		known.answered(accepted, 1);
		expect(written(known, call(script), "none")).toBe("EVAL");
	});

	test("a call that was refused brings the text from then on; others of its script until one is accepted", () => {
		const known = new KnownScripts();
		const script = fresh();
		const [before, refused, behind] = [call(script), call(script), call(script)];
		written(known, before);
		known.answered(before, 1);
		expect(written(known, refused)).toBe("EVALSHA");
		known.answered(refused, unknown);
		expect(known.has(call(script))).toBe(false);
		expect(written(known, refused, "blind")).toBe("EVAL");
		known.answered(refused, 1);
		expect(written(known, refused)).toBe("EVAL");
		expect(written(known, behind)).toBe("EVALSHA");
	});

	test("a text that was redirected, or did not compile, left nothing behind; an error of a script that is known changes nothing", () => {
		const known = new KnownScripts();
		const script = fresh();
		const moved = call(script);
		written(known, moved);
		known.answered(moved, new ReplyError("MOVED 5061 127.0.0.1:1"));
		expect(known.has(call(script))).toBe(false);
		const good = call(script);
		written(known, good);
		known.answered(good, "OK");
		const failed = call(script);
		written(known, failed, "none");
		known.answered(failed, new ReplyError("ERR in the middle"));
		expect(known.has(call(script))).toBe(true);
	});

	test("inside a transaction always the text, and QUEUED is no sign that it was loaded", () => {
		const known = new KnownScripts();
		const script = fresh();
		const queued = call(script);
		queued.script.queued = true;
		expect(written(known, queued)).toBe("EVAL");
		expect(known.has(call(script))).toBe(false);
		known.answered(queued, "QUEUED");
		expect(known.has(call(script))).toBe(false);
	});

	test("what is known is bounded", () => {
		const known = new KnownScripts();
		const scripts = Array.from({ length: 1500 }, fresh);
		for (const script of scripts) written(known, call(script));
		expect(scripts.filter((script) => known.has(call(script))).length).toBeLessThanOrEqual(1024);
		expect(known.has(call(scripts.at(-1)!))).toBe(true);
	});
});
