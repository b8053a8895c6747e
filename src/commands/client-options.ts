/** Which connections CLIENT LIST and CLIENT KILL mean. */
import { appendInteger, atMostOne, checkFields, checkFlag, checkInteger, checkText, refuse, wordOf } from "./words.js";

/** At most one of them. */
export interface ClientListOptions {
	type?: "normal" | "master" | "replica" | "pubsub";
	/** As {@link clientId} gives them. */
	id?: number | readonly number[];
}

export interface ClientKillFilter {
	id?: number;
	type?: "normal" | "master" | "replica" | "pubsub";
	/** `host:port` of the client. */
	addr?: string;
	/** `host:port` of the server. */
	laddr?: string;
	user?: string;
	/** Spares the connection the command comes by; true by default. Without it the call may end with CONNECTION. */
	skipme?: boolean;
	/** Only connections of at least so many seconds, on servers newer than 7.2. */
	maxage?: number;
}

const types = ["normal", "master", "replica", "pubsub"];

/** @throws INVALID_OPTION */
export function appendClientListOptions(words: unknown[], options: ClientListOptions | undefined): unknown[] {
	const given = checkFields<ClientListOptions>("CLIENT LIST", options, ["type", "id"]);
	const { type, id } = given;
	if (type !== undefined) words.push("TYPE", wordOf(type, "type", types));
	if (id !== undefined) {
		const ids = Array.isArray(id) ? id : [id];
		if (ids.length === 0) refuse("id", "must not be empty");
		words.push("ID");
		for (const one of ids) words.push(checkInteger(one, "id", 1));
	}
	atMostOne(given, ["type", "id"]);
	return words;
}

/** @throws INVALID_OPTION */
export function appendClientKillFilter(words: unknown[], filter: ClientKillFilter | undefined): unknown[] {
	const least = words.length;
	const fields = ["id", "type", "addr", "laddr", "user", "skipme", "maxage"] as const;
	const { id, type, skipme, maxage, ...texts } = checkFields<ClientKillFilter>("CLIENT KILL", filter, fields);
	appendInteger(words, "id", id, 1);
	if (type !== undefined) words.push("TYPE", wordOf(type, "type", types));
	for (const [field, value] of Object.entries(texts)) {
		if (value !== undefined) words.push(field.toUpperCase(), checkText(value, field));
	}
	appendInteger(words, "maxage", maxage, 0);
	// SKIPME alone would mean all connections there are.
	if (words.length === least) refuse("filter", "needs at least one of id, type, addr, laddr, user, maxage");
	if (skipme !== undefined) words.push("SKIPME", checkFlag(skipme, "skipme") ? "YES" : "NO");
	return words;
}
