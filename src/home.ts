/** Where subscriptions live: what publish/subscribe needs of a topology, and of one node. */
import type { Endpoint } from "./endpoint.js";
import type { ClientError } from "./errors.js";
import type { Entry } from "./request.js";
import type { Reply } from "./resp/reply.js";

/** One node's connection for subscriptions, and its successors. */
export interface Home {
	readonly endpoint: Endpoint;
	/** Commands that subscribe can be sent now. */
	readonly isReady: boolean;
	/** Keeps a connection from now on and tells of it; at once, when one is ready. */
	open(observer: HomeObserver): void;
	/** Nobody is subscribed here any more. */
	leave(): void;
	/** Only while it is ready. The entry comes back answered, or lost with its connection. */
	send(entry: Entry): void;
	/** The server does not know its connection any more: another has to take its place. */
	forgotten(error: ClientError): void;
}

/** None of them may throw. */
export interface HomeObserver {
	/** A connection is ready, and subscribed to nothing. */
	ready(): void;
	/** It ended, or could not be had. Another one is tried for, after a pause. */
	lost(cause: ClientError): void;
	/** Called within the decoder's pass, in the order of the wire: nothing of a caller's may run in it. */
	push(items: Reply[]): void;
}

/** A topology's choice of homes. */
export interface Homes {
	/**
	 * The home of a slot's sharded channels: that of its primary. With slot -1 that of channels and patterns, which any primary will do for: one
	 * that is connected, and another one than `avoid` if there is one. Undefined: nobody is known to serve the slot.
	 */
	homeOf(slot: number, avoid: Home | null): Home | undefined;
	/** Whether it belongs to a primary still. */
	isHome(home: Home): boolean;
	/** A node refused to subscribe in words that say something of the topology. */
	refused(slot: number, error: ClientError, home: Home): void;
	/** Tells whenever `homeOf` may answer otherwise than before; null: no more. */
	watchHomes(changed: (() => void) | null): void;
}
