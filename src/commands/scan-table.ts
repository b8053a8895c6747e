/**
 * Reads one hash table page by page.
 *
 * A cursor is a place in the hash table of one server process: another node has another table, and so has the same node once it was started
 * anew, for tables are hashed with a seed of their process. So each page is held against the process that the cursor came from. On the same
 * connection it is the same process; on another one INFO tells, by its `run_id`.
 */
import type { Core, View } from "../core.js";
import { type Endpoint, formatEndpoint } from "../endpoint.js";
import { ClientError, ReplyError } from "../errors.js";
import { CommandFlag, type Link } from "../request.js";
import type { Argument } from "../resp/encode.js";
import { type Reply, ReplyMode } from "../resp/reply.js";
import { SingleRequest } from "../single-request.js";
import type { TablePosition } from "./scan-token.js";

/** So often a scan begins again without getting on before it gives up. */
export const MAX_FUTILE = 16;

export const BEGINNING: TablePosition = { cursor: "0", origin: "", done: false };

/** One question of a scan, and who answered it. */
export interface Answered {
	readonly reply: Reply;
	readonly link: Link | null;
}

export interface Question {
	readonly args: readonly Argument[];
	readonly slot: number;
	readonly mode: ReplyMode;
	/** The node it is for; null: whoever serves the slot. */
	readonly node: Endpoint | null;
	readonly flags?: number;
	/** Not the caller's command. */
	readonly internal?: boolean;
}

/** Sends one command that changes nothing, within the view's deadline and until its signal aborts. */
export function question(core: Core, view: View, asked: Question): Promise<Answered> {
	const { args, slot, mode, node, flags = 0, internal = false } = asked;
	return new Promise((resolve, reject) => {
		const settled = (reply: Reply): void => resolve({ reply, link: request.answeredBy });
		const all = flags | CommandFlag.readOnly;
		const request = new SingleRequest(args, slot, all, mode, null, settled as (value: never) => void, reject);
		request.internal = internal;
		const dispatch = node === null ? undefined : () => core.dispatcher.dispatchTo(node, request);
		core.start(request, view.timeoutMs, view.signal, dispatch);
	});
}

/** What to read: the command around its cursor, and where it goes. */
export interface Table {
	readonly head: readonly Argument[];
	readonly tail: readonly Argument[];
	readonly slot: number;
	readonly flags?: number;
	readonly node: Endpoint | null;
	readonly mode: ReplyMode;
}

export class TableWalk {
	readonly #core: Core;
	readonly #view: View;
	readonly #table: Table;
	#position: TablePosition;
	/** Where the last page came from. */
	#link: Link | null = null;

	constructor(core: Core, view: View, table: Table, from: TablePosition) {
		this.#core = core;
		this.#view = view;
		this.#table = table;
		this.#position = from;
	}

	/** Behind the last page. */
	get position(): TablePosition {
		return this.#position;
	}

	/** The next page; null: the cursor was another table's, and this one is read from its beginning. */
	async next(): Promise<Reply[] | null> {
		const { head, tail } = this.#table;
		const { cursor: sent, origin } = this.#position;
		const { reply, link } = await question(this.#core, this.#view, { ...this.#table, args: [...head, sent, ...tail] });
		const [cursor, items] = pageOf(reply, String(head[0]));
		const done = cursor === "0";
		if (sent === "0") {
			this.#position = { cursor, origin: done ? "" : await this.#originOf(link), done };
		} else {
			const same = link !== null && link === this.#link;
			if (!same && (origin === "" || (await this.#originOf(link)) !== origin)) {
				this.#position = BEGINNING;
				this.#link = null;
				return null;
			}
			this.#position = { cursor, origin, done };
		}
		this.#link = link;
		return items;
	}

	/** The process at the other end; where INFO is refused its address has to do. */
	async #originOf(link: Link | null): Promise<string> {
		if (link === null) return "";
		const address = `@${formatEndpoint(link.endpoint)}`;
		// Nothing is asked in between on a leased connection; replicas that are read from have connections of another pool.
		if (this.#view.dedicated || link.readOnly) return address;
		const asked = { args: ["INFO", "server"], slot: this.#table.slot, mode: ReplyMode.string, node: link.endpoint };
		const info = await question(this.#core, this.#view, { ...asked, internal: true }).catch((error: ClientError) => {
			if (error instanceof ReplyError) return null;
			throw error;
		});
		if (info === null) return address;
		// The connection was lost in between: the one who says who it is may be another one by now.
		if (info.link !== link) return "";
		return /^run_id:(\w+)/m.exec(String(info.reply))?.[1] ?? address;
	}
}

/** @throws PROTOCOL unless it is a cursor and an array */
function pageOf(reply: Reply, command: string): [cursor: string, items: Reply[]] {
	if (Array.isArray(reply) && reply.length === 2) {
		const [cursor, items] = reply;
		const text = typeof cursor === "string" || Buffer.isBuffer(cursor) ? cursor.toString() : "";
		if (/^\d{1,20}$/.test(text) && Array.isArray(items)) return [text, items];
	}
	throw misshapen(command);
}

export function misshapen(command: string): ClientError {
	return new ClientError("PROTOCOL", `the reply to ${command} is not of its shape`);
}
