/**
 * Scripts whose text the client has: they are called by their hash, and a server that does not know it gets the text.
 *
 *     EVALSHA ──► reply
 *        └─ NOSCRIPT ──► EVAL, once, in the same place among the commands of its slot
 */
import { createHash } from "node:crypto";
import { type ClientError, InvalidArgumentError, InvalidOptionError } from "./errors.js";
import { type Argument, checkArgument } from "./resp/encode.js";
import type { Reply } from "./resp/reply.js";
import { checkFlag, checkObject } from "./util/options.js";

export interface ScriptDefinition {
	/** How many keys every call names; null or "any": as many as the caller likes. */
	keys: number | "any" | null;
	/** The text; the bytes of a Buffer are taken as they are. */
	lua: string | Uint8Array;
	/** It changes nothing: EVALSHA_RO and EVAL_RO, by a replica where reads go there, and once more when the connection is lost. Redis 7. */
	readOnly?: boolean;
}

/** A script made by `defineScript`, its replies as the server gives them. */
export interface Script {
	/** SHA-1 of its bytes, by which servers know it: 40 hexadecimal digits. */
	readonly sha1: string;
	/** How many keys every call names; null: any number. */
	readonly keys: number | null;
	readonly readOnly: boolean;
	readonly reply: null;
}

/** A script whose replies become an `R`. */
export interface TypedScript<R, Text extends string | Buffer = string> extends Omit<Script, "reply"> {
	readonly reply: (reply: Reply<Text>) => R;
}

export class DefinedScript {
	readonly sha1: string;
	readonly keys: number | null;
	readonly readOnly: boolean;
	readonly reply: ((reply: never) => unknown) | null;
	/** Its bytes; nobody else holds this memory. */
	readonly text: Buffer;

	constructor({ keys, lua, readOnly = false, reply }: ScriptDefinition & { reply?: (reply: never) => unknown }) {
		this.text = bytesOf(lua);
		this.sha1 = createHash("sha1").update(this.text).digest("hex");
		this.keys = keys === "any" ? null : keys;
		this.readOnly = readOnly;
		this.reply = reply ?? null;
		Object.freeze(this);
	}
}

function bytesOf(lua: unknown): Buffer {
	if (typeof lua !== "string" && !(lua instanceof Uint8Array)) {
		throw new InvalidOptionError("lua", "must be the text of a script: a string, a Buffer or a Uint8Array");
	}
	try {
		return Buffer.from(checkArgument(lua, 1) as Uint8Array);
	} catch (error) {
		throw error instanceof InvalidArgumentError ? new InvalidOptionError("lua", error.message) : error;
	}
}

/**
 * Describes a Lua script once, to be run by `client.run(script, keys, args)`. Nothing is sent.
 * @param definition its `keys` are checked at each call, before anything is sent; `reply` turns what the server answers into what callers get
 * @throws INVALID_OPTION, naming the field
 * @see https://valkey.io/topics/eval-intro/
 */
export function defineScript<R, Text extends string | Buffer = string>(
	definition: ScriptDefinition & { reply: (reply: Reply<Text>) => R },
): TypedScript<R, Text>;
export function defineScript(definition: ScriptDefinition & { reply?: undefined }): Script;
export function defineScript(definition: ScriptDefinition & { reply?: ((reply: never) => unknown) | undefined }): unknown {
	const fields = ["keys", "lua", "readOnly", "reply"] as const;
	const { keys, lua, readOnly, reply } = checkObject("defineScript()", definition, fields, "definition");
	if (keys !== null && keys !== "any" && !(Number.isSafeInteger(keys) && keys >= 0)) {
		throw new InvalidOptionError("keys", 'must be a whole number of keys, or null or "any"');
	}
	if (reply !== undefined && typeof reply !== "function") throw new InvalidOptionError("reply", "must be a function");
	return new DefinedScript({ keys, lua, readOnly: checkFlag(readOnly, "readOnly"), ...(reply === undefined ? {} : { reply }) });
}

/** One call of a script, on its way. Its command is in words by hash; whoever writes it decides whether the text is sent instead. */
export class ScriptRun {
	readonly script: DefinedScript;
	/** It was written last with the text. */
	byText = false;
	/** A server did not know the hash: it goes with the text from then on. */
	unknown = false;
	/** Inside a transaction: there is no second try there, so it goes with the text, and its reply is no sign that it was executed. */
	queued = false;

	constructor(script: DefinedScript) {
		this.script = script;
	}

	/** `EVALSHA hash …` as `EVAL text …`. */
	withText(args: readonly Argument[]): Argument[] {
		const words = args.slice();
		words[0] = this.script.readOnly ? "EVAL_RO" : "EVAL";
		words[1] = this.script.text;
		return words;
	}
}

/** The two forms of the servers, Redis' and Valkey's. A script may answer with that code too, but says something else. */
const NO_SCRIPT = /^NOSCRIPT No matching script\.( Please use EVAL\.)?$/;

/** Whether a server says that it does not know the hash a script was called by: then nothing was executed. */
export function isUnknownScript(
	error: ClientError,
	{ args, script }: { readonly args: readonly Argument[]; readonly script?: ScriptRun },
): boolean {
	if (error.code !== "NOSCRIPT" || !NO_SCRIPT.test(error.message) || script?.byText === true) return false;
	return /^evalsha(_ro)?$/i.test(String(args[0]));
}
