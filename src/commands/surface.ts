/** What calling a typed command gives: a promise on the client, the queue itself in a pipeline or a transaction. */
import type { ClientError } from "../errors.js";
import type { Reply } from "../resp/reply.js";
import type { Key, Value } from "./arguments.js";
import { scriptWords, takeOf } from "./words.js";

/**
 * A function from the type of a reply to what the call gives. An interface that extends it says so in terms of its own `reply`:
 *
 *     interface Calls extends Surface { readonly result: Promise<this["reply"]> }
 */
export interface Surface {
	readonly reply: unknown;
	readonly result: unknown;
}

/** What a call gives whose reply is an `R`. */
export type Result<S extends Surface, R> = (S & { readonly reply: R })["result"];

/** On a client: its promise. */
export interface Calls extends Surface {
	readonly result: Promise<this["reply"]>;
}

/**
 * What `exec()` gives for commands whose replies are of the types `T`: for each its reply or its error. Commands that were added one statement
 * at a time, and not in a chain, are not known to the type: then it is a list of any replies.
 */
export type Results<Text extends string | Buffer, T extends readonly unknown[]> = T extends readonly []
	? (Reply<Text> | ClientError)[]
	: { -readonly [I in keyof T]: T[I] | ClientError };

/** One or several of a kind, given one by one or as lists: `sadd("s", "a", "b")`, `sadd("s", ["a", "b"])`. */
export type Many<T> = readonly (T | readonly T[])[];
export type Keys = Many<Key>;
export type Values = Many<Value>;
/** Keys with their values. A record's keys are strings; integer-like ones come first, as in any object. */
export type Entries = Readonly<Record<string, Value>> | ReadonlyMap<Key, Value> | readonly (readonly [key: Key, value: Value])[];

/** A command in words: its name, and arguments as the caller gave them. They are checked, and placed, where it is sent. */
export type Words = readonly unknown[];

/**
 * The typed commands, once for everything that takes commands. The groups extend one another in a row, from here to `Commands`, and each
 * method says in words what is sent, and what the reply becomes.
 */
export abstract class CommandBase<S extends Surface> {
	/**
	 * Sends or queues a command.
	 * @param words or what makes them, where that may refuse an option
	 * @param take turns the reply of the server, in either protocol and never an error, into the one of this method; without it they are the same
	 * @param bytes the reply's bulk strings are Buffers in every view: they are no text
	 */
	protected abstract send<R>(words: Words | (() => Words), take?: (reply: never) => R, bytes?: boolean): Result<S, R>;

	/** Sends or queues the call of a script that was defined: with its text, unless this can do better. */
	protected sendScript(script: unknown, keys: unknown, args: unknown): Result<S, unknown> {
		return this.send(() => scriptWords(script, keys, args, false), takeOf(script));
	}
}
