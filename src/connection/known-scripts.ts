/** What one connection knows of the scripts that its server has. The next connection may lead to another server: it begins with nothing. */
import { ClientError } from "../errors.js";
import type { Command } from "../request.js";
import type { Argument } from "../resp/encode.js";
import type { Reply } from "../resp/reply.js";
import { isUnknownScript, type ScriptRun } from "../script.js";

/** In place of a slot: the server ran it. */
const ACCEPTED = -2;

/** Whoever makes scripts by the thousand has them forgotten, and sent with their texts again. */
const MAX_KNOWN = 1024;

/** When a command goes by its hash: it may as well be refused, and sent again; its script is known; not at all. */
export type Trust = "blind" | "known" | "none";

export class KnownScripts {
	/**
	 * By hash: {@link ACCEPTED}, or the slot of a command that has its text and is in flight. Should that one be redirected, and leave no
	 * script behind, commands of its slot are redirected as well; those of another are not.
	 */
	readonly #known = new Map<string, number>();

	/** Whether a command that is written next finds its script. */
	has({ script, slot }: Command): boolean {
		const known = this.#known.get((script as ScriptRun).script.sha1);
		return known === ACCEPTED || (known !== undefined && known === slot);
	}

	/** The words to be written for a command: by hash, or with the text. */
	words(command: Command, trust: Trust): readonly Argument[] {
		const run = command.script as ScriptRun;
		const byHash = trust === "blind" || (trust === "known" && this.has(command));
		run.byText = run.unknown || run.queued || !byHash;
		if (!run.byText) return command.args;
		if (!run.queued) this.#remember(run.script.sha1, command.slot);
		return run.withText(command.args);
	}

	/** Told before the command's caller is. */
	answered(command: Command, reply: Reply): void {
		const run = command.script as ScriptRun;
		const { sha1 } = run.script;
		if (!(reply instanceof ClientError)) {
			if (!run.queued) this.#remember(sha1, ACCEPTED);
		} else if (isUnknownScript(reply, command)) {
			run.unknown = true;
			this.#known.delete(sha1);
		} else if (run.byText && this.#known.get(sha1) !== ACCEPTED) this.#known.delete(sha1);
	}

	#remember(sha1: string, slot: number): void {
		if (this.#known.get(sha1) === ACCEPTED) return;
		if (this.#known.size >= MAX_KNOWN) this.#known.clear();
		this.#known.set(sha1, slot);
	}
}
