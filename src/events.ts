/**
 * What a client tells about itself: the same objects to its hooks and to the channels of `channels.ts`.
 * No event holds an argument, a value or a secret. Nodes are `host:port`, durations milliseconds.
 */

interface ClientEvent {
	/** Which client: its name and a number that no other client of this process has, such as `orders#2`. */
	readonly client: string;
}

/** A command settled, wherever it was called: alone, on a leased connection, or one for each node of a cluster. Those of batches are in their `BatchEvent`. */
export interface CommandEvent extends ClientEvent {
	/** Its first word, in capitals. */
	readonly name: string;
	/** The slot of its keys; null when it has none, or where slots do not matter. */
	readonly slot: number | null;
	/** Who answered, or had it last; null when it was never sent. */
	readonly node: string | null;
	/** From the call to its settlement; 0 until then. */
	readonly durationMs: number;
	/** The code of what it rejected with; null when it resolved. */
	readonly error: string | null;
	/** It failed, and the server may have executed it. */
	readonly maybeExecuted: boolean;
	/** Pauses after which it was sent again, and connections that were lost under it before it was. */
	readonly retries: number;
	/** Nodes that sent it on, by MOVED or ASK. */
	readonly redirections: number;
}

/** `mget`, `setMany`, `delMany`, `existsMany` or a pipeline settled. */
export interface BatchEvent extends ClientEvent {
	/** MGET, SET, DEL, EXISTS, or PIPELINE. */
	readonly name: string;
	/** Keys, entries or commands. */
	readonly items: number;
	/** Items that failed. */
	readonly failed: number;
	readonly durationMs: number;
	/** The code of the first item that failed; null: none did. */
	readonly error: string | null;
	/** Of an item that failed, the server may have executed the command. */
	readonly maybeExecuted: boolean;
}

/**
 * | state | a connection |
 * |---|---|
 * | connecting | is being made |
 * | ready | was greeted by its server |
 * | suspected | owes replies and is silent; said again while that lasts |
 * | reauthenticated | goes on with new credentials |
 * | retired | takes no more commands: another takes its place, and it ends once it has answered |
 * | lost | ended, or could not be made: `cause` says why |
 * | closed | was ended by the client, which had no more use for it |
 */
export type ConnectionState = "connecting" | "ready" | "suspected" | "reauthenticated" | "retired" | "lost" | "closed";

export interface ConnectionEvent extends ClientEvent {
	readonly state: ConnectionState;
	readonly node: string;
	/** Which connection: a number that no other one of this process has; 0 for one that could not even begin. */
	readonly connection: number;
	/** Why, in words; null where that needs none. */
	readonly cause: string | null;
}

/** A server sent a command on. */
export interface RedirectionEvent extends ClientEvent {
	readonly kind: "MOVED" | "ASK";
	readonly slot: number;
	readonly from: string;
	/** Null: the server knows no address, or the caller's `natMap` failed on it. */
	readonly to: string | null;
}

/** A cluster's map was taken over, or could not be had. */
export type TopologyEvent =
	| (ClientEvent & {
			readonly kind: "adopted";
			readonly primaries: readonly string[];
			readonly replicas: readonly string[];
			/** Slots of another primary than in the map before, those included that MOVED told of meanwhile; 0 for the first map. */
			readonly slotsMoved: number;
	  })
	| (ClientEvent & {
			readonly kind: "failed";
			/** What each node answered. */
			readonly cause: string;
	  });

/** Something went wrong that no caller can be told. */
export interface ErrorEvent extends ClientEvent {
	/** Where: `hook command`, `credentials`, `listener` … */
	readonly source: string;
	/** What was thrown. Of a provider of credentials never its own error, which may hold a secret. */
	readonly error: unknown;
}

export interface Events {
	readonly command: CommandEvent;
	readonly batch: BatchEvent;
	readonly connection: ConnectionEvent;
	readonly redirection: RedirectionEvent;
	readonly topology: TopologyEvent;
	readonly error: ErrorEvent;
}

/**
 * Functions that are told what happens to one client, each event once, after it happened. One that throws, or rejects, disturbs nothing:
 * the `error` hook hears of it, once for each hook.
 */
export type Hooks = { readonly [Kind in keyof Events]?: (event: Events[Kind]) => unknown };
