/** Finds out, over a connection of its own, why another one is silent. */
import type { Connection } from "./connection/connection.js";
import { ClientError, ReplyError } from "./errors.js";
import type { NodeContext } from "./lane.js";
import { Opening } from "./opening.js";
import { ask } from "./question.js";

/**
 * | verdict | the server | the silent connection |
 * |---|---|---|
 * | stuck | answers | is not heard of: its path is broken |
 * | blocked | answers | is held by the server itself, as while clients are paused for a failover |
 * | silent | does not answer | may be well |
 */
export type Verdict = "stuck" | "blocked" | "silent";

export class Probe {
	readonly verdict: Promise<Verdict>;
	readonly #opening: Opening;

	/** @param id the server's number for the silent connection */
	constructor(node: NodeContext, id: number | null) {
		this.#opening = new Opening(node, { suspected: () => {}, lost: () => {}, push: () => {} });
		this.verdict = this.#look(node, id);
	}

	destroy(): void {
		this.#opening.destroy(new ClientError("CLOSED", "the probe is over"));
	}

	async #look(node: NodeContext, id: number | null): Promise<Verdict> {
		try {
			const connection = await this.#opening.ready;
			if (!(await answers(node, connection, ["PING"]))) return "silent";
			return id !== null && (await isBlocked(node, connection, id)) ? "blocked" : "stuck";
		} catch {
			return "silent";
		} finally {
			this.destroy();
		}
	}
}

/** Any reply does, an error as well: it shows that the server is alive. But a server that says BUSY answers nobody else. */
async function answers(node: NodeContext, connection: Connection, args: string[]): Promise<boolean> {
	try {
		await ask(args, node.clock, timeoutOf(node), (request) => connection.send(request));
		return true;
	} catch (error) {
		return error instanceof ReplyError && error.code !== "BUSY";
	}
}

/** Whether the server lists the connection with the flag `b`; not where it will not say. */
async function isBlocked(node: NodeContext, connection: Connection, id: number): Promise<boolean> {
	const args = ["CLIENT", "LIST", "ID", String(id)];
	const list = await ask(args, node.clock, timeoutOf(node), (request) => connection.send(request)).catch(() => "");
	return / flags=\w*b/.test(String(list));
}

function timeoutOf({ settings }: NodeContext): number {
	return settings.timeouts.connectMs || 2000;
}
