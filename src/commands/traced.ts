/** What is told of a call when somebody listens. */
import type { BatchWork } from "../batch/batch.js";
import type { Teller } from "../channels.js";
import { asText } from "../command-keys.js";
import { formatEndpoint } from "../endpoint.js";
import { ClientError, ReplyError } from "../errors.js";
import type { BatchEvent, CommandEvent } from "../events.js";
import type { Attempt, Link } from "../request.js";
import type { Argument } from "../resp/encode.js";

/** No command's name is longer: what is, may be anything. */
const NAME_LENGTH = 32;

type Writable<Event> = { -readonly [Field in keyof Event]: Event[Field] };

/** What somebody waits for, and can be told of: one command, or a transaction, which is called MULTI. */
interface Traceable {
	readonly name: Argument;
	readonly slot: number;
	/** Has `told` hear of the settlement ahead of the caller: with the error, the last connection, and what it went through. */
	trace(told: Told): void;
}

export type Told = (
	error: ClientError | null,
	link: Pick<Link, "endpoint"> | null,
	past: (Pick<Attempt, "count" | "losses"> & { readonly trail: { readonly length: number } }) | null,
) => void;

/** @param slots whether they matter here: a transaction has one also where they do not */
export function traceCommand(teller: Teller, request: Traceable, slots: boolean, call: () => void): void {
	const began = performance.now();
	const event: Writable<CommandEvent> = {
		client: teller.client,
		name: asText(request.name, NAME_LENGTH)?.toUpperCase() ?? "?",
		slot: !slots || request.slot === -1 ? null : request.slot,
		node: null,
		durationMs: 0,
		error: null,
		maybeExecuted: false,
		retries: 0,
		redirections: 0,
	};
	request.trace((error, link, attempt) => {
		event.durationMs = performance.now() - began;
		if (link !== null) event.node = formatEndpoint(link.endpoint);
		if (error !== null) {
			event.error = error.code;
			event.maybeExecuted = error.maybeExecuted ?? false;
		}
		if (attempt !== null) {
			// The last connection that was lost under it ended it, unless somebody answered.
			const answered = error === null || error instanceof ReplyError;
			event.retries = attempt.count + Math.max(0, attempt.losses - (answered ? 0 : 1));
			event.redirections = attempt.trail.length;
		}
		teller.ended("command", event);
	});
	teller.begin("command", event, call);
}

type Finish<T> = (results: (T | ClientError)[], failed: boolean) => void;

/** @param call begins the batch with what is to be called in the place of `finish` */
export function traceBatch<T>(teller: Teller, work: BatchWork<T>, finish: Finish<T>, call: (traced: Finish<T>) => void): void {
	const began = performance.now();
	const event: Writable<BatchEvent> = {
		client: teller.client,
		name: work.name ?? "PIPELINE",
		items: work.items,
		failed: 0,
		durationMs: 0,
		error: null,
		maybeExecuted: false,
	};
	const traced: Finish<T> = (results, failed) => {
		event.durationMs = performance.now() - began;
		if (failed) {
			for (const result of results) {
				if (!(result instanceof ClientError)) continue;
				event.failed += 1;
				event.error ??= result.code;
				event.maybeExecuted ||= result.maybeExecuted === true;
			}
		}
		teller.ended("batch", event);
		finish(results, failed);
	};
	teller.begin("batch", event, () => call(traced));
}
