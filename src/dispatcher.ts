import type { Endpoint } from "./endpoint.js";
import type { ClientError } from "./errors.js";
import type { Homes } from "./home.js";
import type { Request } from "./request.js";

/** Figures of one client, cumulative since it was created; read by `client.stats()`. */
export interface Counters {
	/** User commands written, each time they were written. */
	commands: number;
	/** Writes to a socket that carried at least one user command. */
	flights: number;
	bytesWritten: number;
	bytesRead: number;
	/** MOVED and ASK replies followed. */
	redirections: number;
	/** Commands sent again for another reason. */
	retries: number;
	/** Connections opened in place of one that was lost. */
	reconnects: number;
}

/** A gauge beside the counters. */
export interface Gauges {
	/** Commands accepted and not yet answered. */
	inFlight: number;
	connections: number;
}

/** A connection of one's own, until it is released. */
export interface Lease {
	readonly dispatcher: Dispatcher;
	/** Sends a single command behind ASKING. */
	ask(request: Request): void;
	/** Gives the connection back; it is ended unless it is as good as new. */
	release(): void;
}

/** Where a lease has to lead: to the primary that serves a slot, to a node by its `host:port`, or where ASK led. */
export type LeaseTarget = { readonly slot: number } | { readonly node: string } | { readonly ask: Endpoint };

/** Slots from, to, both included. */
export type SlotRange = readonly [first: number, last: number];

/** How long somebody waits for a lease. */
export interface LeaseWait {
	/** 0: as long as it takes. */
	readonly timeoutMs: number;
	/** It is for one command that blocks: these have a bound, and a queue, of their own. */
	readonly blocking?: boolean;
	/** Called with what ends the wait. */
	onWait(cancel: (error: ClientError) => void): void;
}

/** Whoever can carry requests to servers: one node's pool, a cluster, a leased connection. */
export interface Dispatcher {
	/**
	 * Keys whose slots are equal modulo this may stand in one command: 16384 on a cluster, the number of lanes on a standalone server.
	 * With 1 the slot of a key does not matter and is not computed.
	 */
	readonly keyGroups: number;
	/**
	 * Every command settles once through `request.settle(index, reply | ClientError)`; never throws.
	 * Commands for one connection share one write and one in-flight entry.
	 */
	dispatch(request: Request): void;
	/** Equal for slots whose commands, with these flags, share a connection now. Commands of one `GroupRequest` should share it; they need not. */
	lane(slot: number, flags: number): unknown;
	/** Rejected when single commands for this slot, with these flags, are refused for want of room; null when they are not. */
	refusal(slot: number, flags: number): Promise<never> | null;
	/** The nodes there are, for commands that go to all of them; replicas only with "all". */
	endpoints(scope: "primaries" | "all"): Endpoint[];
	dispatchTo(node: Endpoint, request: Request): void;
	/** The slots that a node of `endpoints` serves as a primary, as far as is known here; all of them where there is no cluster. */
	slotsOf(node: Endpoint): SlotRange[];
	/** Learns the nodes and their slots anew: resolves when a look that began after the call is over, whatever it brought. */
	refresh(): Promise<void>;
	/** @throws TIMEOUT, OVERLOADED, UNSUPPORTED, and why no connection could be opened */
	lease(target: LeaseTarget, wait: LeaseWait): Promise<Lease>;
	/**
	 * Where the word of a node that redirects leads, as it is reached from here; null: that is not known. Absent where nobody is sent elsewhere.
	 */
	redirected?(target: { readonly host: string; readonly port: number }, by: Endpoint): Endpoint | null;
	/** Where its subscriptions live; absent where nobody can subscribe this way. */
	readonly homes?: Homes;
	/** Why nothing is accepted any more; null while it is open. */
	readonly closed: ClientError | null;
	gauges(): Gauges;
	/** Refuses new requests, waits for those accepted, at most `timeoutMs`, then ends every connection. */
	close(timeoutMs: number): Promise<void>;
	/** Ends every connection now; what was accepted is rejected. */
	destroy(cause?: Error): void;
}
