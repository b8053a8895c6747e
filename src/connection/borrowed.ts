/** Values that are borrowed from their callers until the promise settles: what has to be looked at before and while they are written. */
import { InvalidArgumentError } from "../errors.js";
import { Attempt, type Command, CommandFlag, commandsOf, type Entry, EntryPart, type Link } from "../request.js";
import { isDetached } from "../resp/encode.js";

export function borrows(entry: Entry): boolean {
	for (let i = 0; i < entry.size; i++) if ((entry.command(i).flags & CommandFlag.borrows) !== 0) return true;
	return false;
}

/**
 * Refuses the commands whose borrowed value was detached since the call: their headers would promise bytes that are gone.
 * @returns the entry with the others, in its place; the entry itself when all are sound
 */
export function withoutDetached(entry: Entry, link: Link, refused: (entry: Entry, command: Command) => void): Entry {
	const sound: number[] = [];
	const commands = commandsOf(entry);
	for (const [i, command] of commands.entries()) {
		const at = detachedArgument(command);
		if (at === -1) sound.push(i);
		else {
			entry.answered(i, new InvalidArgumentError(at, "a borrowed value was detached before it was written"), link);
			refused(entry, command);
		}
	}
	if (sound.length === commands.length) return entry;
	// ASKING is nothing without the command behind it.
	if (entry instanceof Attempt) for (const index of sound.splice(0)) refused(entry, commands[index] as Command);
	return new EntryPart(entry, sound);
}

/** Index of an argument that was borrowed and is detached; -1: none. */
function detachedArgument({ args, flags }: Command): number {
	return (flags & CommandFlag.borrows) === 0 ? -1 : args.findIndex(isDetached);
}
