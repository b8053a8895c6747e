/** Scripts and functions. */
import { InvalidArgumentError, InvalidOptionError } from "../errors.js";
import type { Reply } from "../resp/reply.js";
import type { Script, TypedScript } from "../script.js";
import type { Key, Value } from "./arguments.js";
import { toArray, toPairs, toRecord, unexpected } from "./replies.js";
import { StreamCommands } from "./streams.js";
import type { Many, Result, Surface } from "./surface.js";
import { append, atMostOne, callWords, checkFields, checkFlag, type FlushOptions, flushWords, textAt } from "./words.js";

/** What becomes of the functions that there are: without any of these they stay, and a library of the same name is an error. */
export interface FunctionRestoreOptions {
	/** Those of the payload beside them; the same as nothing at all. */
	append?: boolean;
	/** Libraries of the same name are replaced. */
	replace?: boolean;
	/** All are deleted first. */
	flush?: boolean;
}

export interface FunctionListOptions {
	/** Only libraries whose names match this pattern. */
	libraryname?: string;
	/** With their source code. */
	withcode?: boolean;
}

export interface FunctionInfo {
	name: string;
	description: string | null;
	/** `no-writes`, `allow-oom`, `allow-stale`, `no-cluster`, `allow-cross-slot-keys`. */
	flags: string[];
}

export interface LibraryInfo {
	libraryName: string;
	engine: string;
	functions: FunctionInfo[];
	/** With `withcode`. */
	libraryCode?: string;
}

export interface FunctionStats {
	/** Null: none runs. */
	runningScript: { name: string; command: string[]; durationMs: number } | null;
	/** By the engine's name. */
	engines: Record<string, { librariesCount: number; functionsCount: number }>;
}

export abstract class ScriptingCommands<Text extends string | Buffer, S extends Surface> extends StreamCommands<Text, S> {
	/**
	 * Runs a script of `defineScript`: by its hash, and with its text where the server does not have it. `EVALSHA sha1 numkeys key … arg …`,
	 * then `EVAL` on the same connection; the call keeps its place among the commands of its slot. A script that is `readOnly` goes by
	 * `EVALSHA_RO`, to a replica where reads go there. In a pipeline the first one sends the text, in a transaction each does.
	 * @param keys of one slot; as many as the script was defined with
	 * @returns what the script's `reply` makes of the server's reply
	 * @throws INVALID_ARGUMENT, CROSSSLOT, and what the script answers: any error of it may have come after effects, so nothing is tried again. It
	 *   must not answer with the server's own words for a hash it does not know, "NOSCRIPT No matching script.": it would be called once more.
	 *   NOSCRIPT itself, with nothing executed, on a leased connection whose server forgot it when other commands were sent behind the call.
	 * @see https://valkey.io/commands/evalsha/
	 */
	run<R>(script: TypedScript<R, Text>, keys?: readonly Key[], args?: readonly Value[]): Result<S, R>;
	run(script: Script, keys?: readonly Key[], args?: readonly Value[]): Result<S, Reply<Text>>;
	run(script: unknown, keys: readonly Key[] = [], args: readonly Value[] = []): Result<S, unknown> {
		return this.sendScript(script, keys, args);
	}

	/**
	 * Runs a Lua script whose text is sent along. `EVAL script numkeys key … arg …`
	 * @param keys all that the script touches, of one slot
	 * @returns what the script returns: numbers lose their fractions, a table ends at its first nil, false is null
	 * @throws as {@link run}
	 * @see https://valkey.io/commands/eval/
	 */
	eval(lua: string | Uint8Array, keys: readonly Key[] = [], args: readonly Value[] = []): Result<S, Reply<Text>> {
		return this.send(() => callWords("EVAL", lua, keys, args));
	}

	/**
	 * {@link eval} for a script that changes nothing: by a replica where reads go there. `EVAL_RO script numkeys key … arg …` (7.0)
	 * @returns as {@link eval}
	 * @throws as {@link eval}
	 * @see https://valkey.io/commands/eval_ro/
	 */
	evalRo(lua: string | Uint8Array, keys: readonly Key[] = [], args: readonly Value[] = []): Result<S, Reply<Text>> {
		return this.send(() => callWords("EVAL_RO", lua, keys, args));
	}

	/**
	 * Runs a script that the server has. `EVALSHA sha1 numkeys key … arg …`
	 * @param sha1 40 hexadecimal digits, of {@link scriptLoad}
	 * @returns as {@link eval}
	 * @throws NOSCRIPT when it has not: any server may forget its scripts at any time. {@link run} sends the text then.
	 * @see https://valkey.io/commands/evalsha/
	 */
	evalsha(sha1: string | Uint8Array, keys: readonly Key[] = [], args: readonly Value[] = []): Result<S, Reply<Text>> {
		return this.send(() => callWords("EVALSHA", sha1, keys, args));
	}

	/**
	 * {@link evalsha} for a script that changes nothing: by a replica where reads go there. `EVALSHA_RO sha1 numkeys key … arg …` (7.0)
	 * @returns as {@link eval}
	 * @throws as {@link evalsha}
	 * @see https://valkey.io/commands/evalsha_ro/
	 */
	evalshaRo(sha1: string | Uint8Array, keys: readonly Key[] = [], args: readonly Value[] = []): Result<S, Reply<Text>> {
		return this.send(() => callWords("EVALSHA_RO", sha1, keys, args));
	}

	/**
	 * Calls a function of a library. `FCALL name numkeys key … arg …` (7.0)
	 * @param keys all that the function touches, of one slot
	 * @returns what the function returns, as {@link eval}
	 * @throws INVALID_ARGUMENT, CROSSSLOT, and what the function answers, after effects perhaps
	 * @see https://valkey.io/commands/fcall/
	 */
	fcall(name: string | Uint8Array, keys: readonly Key[] = [], args: readonly Value[] = []): Result<S, Reply<Text>> {
		return this.send(() => callWords("FCALL", name, keys, args));
	}

	/**
	 * {@link fcall} for a function that is flagged `no-writes`: by a replica where reads go there. `FCALL_RO name numkeys key … arg …` (7.0)
	 * @returns as {@link fcall}
	 * @throws as {@link fcall}
	 * @see https://valkey.io/commands/fcall_ro/
	 */
	fcallRo(name: string | Uint8Array, keys: readonly Key[] = [], args: readonly Value[] = []): Result<S, Reply<Text>> {
		return this.send(() => callWords("FCALL_RO", name, keys, args));
	}

	/**
	 * Has a script compiled and kept, on a cluster by every node. No more than a hint: servers forget scripts. `SCRIPT LOAD script`
	 * @returns its SHA-1, 40 hexadecimal digits
	 * @throws the server's error for what does not compile; BATCH with one result per node when some of a cluster failed
	 * @see https://valkey.io/commands/script-load/
	 */
	scriptLoad(lua: string | Uint8Array): Result<S, string> {
		return this.send(() => ["SCRIPT", "LOAD", textAt(lua, 2)], String);
	}

	/**
	 * Which of the scripts the server has, on a cluster every primary. `SCRIPT EXISTS sha1 …`
	 * @returns 1 or 0 for each
	 * @throws INVALID_ARGUMENT; BATCH with one result per primary when some of a cluster failed
	 * @see https://valkey.io/commands/script-exists/
	 */
	scriptExists(...sha1s: Many<string | Uint8Array>): Result<S, (0 | 1)[]> {
		return this.send(append(["SCRIPT", "EXISTS"], sha1s));
	}

	/**
	 * Has all scripts forgotten, on a cluster by every node. `SCRIPT FLUSH [ASYNC | SYNC]`
	 * @returns `"OK"`
	 * @throws INVALID_OPTION; BATCH with one result per node when some of a cluster failed
	 * @see https://valkey.io/commands/script-flush/
	 */
	scriptFlush(options?: FlushOptions): Result<S, "OK"> {
		return this.send(() => ["SCRIPT", "FLUSH", ...flushWords("SCRIPT FLUSH", options)]);
	}

	/**
	 * Ends the script that runs and has written nothing, on a cluster on any primary. `SCRIPT KILL`
	 * @returns `"OK"`
	 * @throws NOTBUSY when none runs, UNKILLABLE when it has written; BATCH with one result per primary when that is so on all of a cluster
	 * @see https://valkey.io/commands/script-kill/
	 */
	scriptKill(): Result<S, "OK"> {
		return this.send(["SCRIPT", "KILL"]);
	}

	/**
	 * Loads a library of functions, on a cluster on every primary. `FUNCTION LOAD [REPLACE] code` (7.0)
	 * @param options `replace`: in place of one of the same name, which is an error otherwise
	 * @returns the library's name
	 * @throws INVALID_OPTION, the server's error for what does not compile; BATCH with one result per primary when some of a cluster failed
	 * @see https://valkey.io/commands/function-load/
	 */
	functionLoad(code: string | Uint8Array, options?: { replace?: boolean }): Result<S, string> {
		return this.send(() => {
			const { replace } = checkFields("FUNCTION LOAD", options, ["replace"]);
			return ["FUNCTION", "LOAD", ...(checkFlag(replace, "replace") ? ["REPLACE"] : []), textAt(code, 2)];
		}, String);
	}

	/**
	 * The libraries there are; of a cluster, those of one primary. `FUNCTION LIST [LIBRARYNAME pattern] [WITHCODE]` (7.0)
	 * @returns for each its name, its engine and its functions; none: an empty list
	 * @throws INVALID_OPTION
	 * @see https://valkey.io/commands/function-list/
	 */
	functionList(options?: FunctionListOptions): Result<S, LibraryInfo[]> {
		return this.send(() => {
			const { libraryname, withcode } = checkFields("FUNCTION LIST", options, ["libraryname", "withcode"]);
			const words: unknown[] = ["FUNCTION", "LIST"];
			if (libraryname !== undefined) words.push("LIBRARYNAME", checkPattern(libraryname));
			if (checkFlag(withcode, "withcode")) words.push("WITHCODE");
			return words;
		}, toLibraries);
	}

	/**
	 * Deletes a library, on a cluster on every primary. `FUNCTION DELETE library` (7.0)
	 * @returns `"OK"`
	 * @throws the server's error when there is none; BATCH with one result per primary when some of a cluster failed
	 * @see https://valkey.io/commands/function-delete/
	 */
	functionDelete(library: string | Uint8Array): Result<S, "OK"> {
		return this.send(() => ["FUNCTION", "DELETE", textAt(library, 2)]);
	}

	/**
	 * Deletes all libraries, on a cluster on every primary. `FUNCTION FLUSH [ASYNC | SYNC]` (7.0)
	 * @returns `"OK"`
	 * @throws INVALID_OPTION; BATCH with one result per primary when some of a cluster failed
	 * @see https://valkey.io/commands/function-flush/
	 */
	functionFlush(options?: FlushOptions): Result<S, "OK"> {
		return this.send(() => ["FUNCTION", "FLUSH", ...flushWords("FUNCTION FLUSH", options)]);
	}

	/**
	 * Ends the function that runs and has written nothing, on a cluster on any primary. `FUNCTION KILL` (7.0)
	 * @returns `"OK"`
	 * @throws as {@link scriptKill}
	 * @see https://valkey.io/commands/function-kill/
	 */
	functionKill(): Result<S, "OK"> {
		return this.send(["FUNCTION", "KILL"]);
	}

	/**
	 * All libraries as {@link functionRestore} takes them; of a cluster, those of one primary. `FUNCTION DUMP` (7.0)
	 * @returns a Buffer in every view: the payload is no text
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/function-dump/
	 */
	functionDump(): Result<S, Buffer> {
		return this.send(["FUNCTION", "DUMP"], toBytes, true);
	}

	/**
	 * Loads what {@link functionDump} gave, on a cluster on every primary. `FUNCTION RESTORE payload [APPEND | REPLACE | FLUSH]` (7.0)
	 * @returns `"OK"`
	 * @throws INVALID_OPTION, the server's error for a payload that is none; BATCH with one result per primary when some of a cluster failed
	 * @see https://valkey.io/commands/function-restore/
	 */
	functionRestore(payload: Uint8Array, options?: FunctionRestoreOptions): Result<S, "OK"> {
		return this.send(() => {
			if (!(payload instanceof Uint8Array)) throw new InvalidArgumentError(2, "argument 2 must be a payload of FUNCTION DUMP");
			return ["FUNCTION", "RESTORE", payload, ...flagWords("FUNCTION RESTORE", options, ["append", "replace", "flush"])];
		});
	}

	/**
	 * Whether a function runs, and how many there are; of a cluster, on one primary. `FUNCTION STATS` (7.0)
	 * @returns null for what runs when nothing does; a count of libraries and functions per engine
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/function-stats/
	 */
	functionStats(): Result<S, FunctionStats> {
		return this.send(["FUNCTION", "STATS"], toStats);
	}
}

function checkPattern(pattern: unknown): string {
	if (typeof pattern !== "string") throw new InvalidOptionError("libraryname", "must be a string");
	return pattern;
}

/** At most one of some flags, as its word. */
function flagWords<T extends object>(command: string, options: T | undefined, flags: readonly (keyof T & string)[]): string[] {
	const given = checkFields(command, options, flags);
	for (const flag of flags) checkFlag(given[flag], flag);
	const flag = atMostOne(given, flags);
	return flag === undefined ? [] : [flag.toUpperCase()];
}

function toLibraries(reply: Reply): LibraryInfo[] {
	return toArray(reply).map((library) => {
		const { library_name: name, engine, functions, library_code: code } = toRecord<Reply>(library);
		const info: LibraryInfo = {
			libraryName: String(name),
			engine: String(engine),
			functions: toArray(functions ?? null).map(toFunction),
		};
		return code === undefined ? info : { ...info, libraryCode: String(code) };
	});
}

function toFunction(reply: Reply): FunctionInfo {
	const { name, description = null, flags = null } = toRecord<Reply>(reply);
	return {
		name: String(name),
		description: description === null ? null : String(description),
		flags: toArray(flags).map(String),
	};
}

function toStats(reply: Reply): FunctionStats {
	const { running_script: running = null, engines = null } = toRecord<Reply>(reply);
	const stats: FunctionStats = { runningScript: running === null ? null : toRunning(running), engines: Object.create(null) };
	for (const [engine, counts] of toPairs(engines)) {
		const { libraries_count: libraries, functions_count: functions } = toRecord<Reply>(counts);
		stats.engines[String(engine)] = { librariesCount: Number(libraries), functionsCount: Number(functions) };
	}
	return stats;
}

function toRunning(reply: Reply): FunctionStats["runningScript"] {
	const { name, command = null, duration_ms: durationMs } = toRecord<Reply>(reply);
	return { name: String(name), command: toArray(command).map(String), durationMs: Number(durationMs) };
}

function toBytes(reply: Reply): Buffer {
	return Buffer.isBuffer(reply) ? reply : unexpected();
}
