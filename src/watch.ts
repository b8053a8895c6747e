/**
 * Optimistic transactions: read what is watched, execute only if it is still so, try again when it is not.
 *
 *     a connection of its own ─► WATCH ─► the caller reads ─► MULTI … EXEC ─► done
 *              ▲                   │              │               │
 *              └── a pause ◄───────┴──────────────┴───────────────┘ a key changed, the slot moved, the connection was lost before EXEC
 */
import type { Client } from "./client.js";
import { slotOfKeys } from "./command-table.js";
import { remaining } from "./commands/any-command.js";
import type { Key } from "./commands/arguments.js";
import { checkKeys } from "./commands/batches.js";
import type { Results } from "./commands/surface.js";
import { aborted, type Core, type View } from "./core.js";
import { ClientError, InvalidArgumentError } from "./errors.js";
import { mayPass } from "./refusal.js";
import { Transaction } from "./transaction.js";
import { backoffMs } from "./util/backoff.js";
import { checkFields, checkInteger } from "./util/options.js";

export interface WatchOptions {
	/** Tries that are lost to a change before the call rejects with WATCH. Default `retry.maxAttempts`, 16. */
	maxAttempts?: number;
}

type Try<Text extends string | Buffer, T extends readonly unknown[]> = (
	connection: Client<Text>,
) => Promise<Transaction<Text, T> | null> | Transaction<Text, T> | null;

/** See `Client.watch`. @param at the client in a view */
export async function watch<Text extends string | Buffer, T extends readonly unknown[]>(
	core: Core,
	view: View,
	at: (view: View) => Client<Text>,
	keys: Key | readonly Key[],
	attempt: Try<Text, T>,
	options: WatchOptions | undefined,
): Promise<Results<Text, T> | null> {
	const { retry, mode } = core.settings;
	const maxAttempts = checkInteger(
		checkFields("watch()", options, ["maxAttempts"]).maxAttempts ?? retry.maxAttempts,
		"maxAttempts",
		1,
	);
	const watched = checkKeys(Array.isArray(keys) ? keys : [keys], view.limits);
	const [key] = watched;
	if (key === undefined) throw new InvalidArgumentError(0, "there is no key to watch");
	if (mode === "cluster") slotOfKeys(watched, "WATCH");
	if (typeof attempt !== "function") throw new InvalidArgumentError(1, "the attempt must be a function");
	const started = performance.now();
	// Tries that may not be too many: a slot on its way takes as long as it takes, which the deadline bounds where there is one.
	let counted = 0;
	for (let tries = 1; ; tries++) {
		let counts = false;
		try {
			const client = at(remaining(view, started));
			return await client.withConnection({ key }, async (leased) => {
				// The wait for the connection is over, and so is its part of the time.
				await leased.with({ timeoutMs: remaining(view, started).timeoutMs }).command("WATCH", ...watched);
				const connection = leased.with({ timeoutMs: remaining(view, started).timeoutMs });
				const transaction = await (async () => attempt(connection))().catch((error) => {
					// Not this connection's end, which undoes the try: what the attempt did elsewhere may have been executed.
					counts = leased.stats().connections > 0;
					throw error;
				});
				if (transaction === null) return null;
				if (!(transaction instanceof Transaction) || !transaction.isFor(connection.multi())) {
					throw new InvalidArgumentError(
						1,
						"the attempt must give back a transaction of its connection, or null, and leave exec() to watch()",
					);
				}
				counts = true;
				return await transaction.execWithin(remaining(view, started).timeoutMs);
			});
		} catch (error) {
			if (!(error instanceof ClientError) || !mayTryAgain(error, counts)) throw error;
			if (error.code === "WATCH" || view.timeoutMs === 0) counted += 1;
			if (counted >= maxAttempts) throw error;
			const left = view.timeoutMs > 0 ? remaining(view, started).timeoutMs : Number.POSITIVE_INFINITY;
			await core.pause(Math.min(backoffMs(tries - 1, retry.baseMs, retry.maxMs), left), view.signal);
			if (core.closed !== null) throw core.closed;
			if (view.signal?.aborted) throw aborted(view.signal);
			if (view.timeoutMs > 0 && performance.now() - started >= view.timeoutMs) {
				const message = `nothing was executed within the deadline, in ${tries} tries: ${error.message}`;
				const late = new ClientError("TIMEOUT", message, { cause: error });
				late.maybeExecuted = false;
				throw late;
			}
		}
	}
}

/**
 * Nothing was executed, and the next try may find it otherwise.
 * @param counts what may have been executed was: EXEC, or a command of the attempt's on another connection; what was read on this one does not
 */
function mayTryAgain(error: ClientError, counts: boolean): boolean {
	if (counts && error.maybeExecuted) return false;
	// CLOSED: the connection ended between two calls.
	if (["WATCH", "CLUSTER", "CONNECTION", "CLOSED"].includes(error.code)) return true;
	return mayPass(error.code === "EXECABORT" && error.cause instanceof ClientError ? error.cause : error);
}
