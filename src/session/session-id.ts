/**
 * Ids as they stand in cookies, and the keys they lead to.
 *
 *     id   Zm9vYmFy.dGhpcyBpcyAxNDQgYml0cyEh     8 characters of a tag, 24 of a secret
 *     key  sess:{Zm9vYmFy}:dGhpcyBpcyAxNDQgYml0cyEh
 *
 * The tag decides the slot, and stays with the session when its secret is made anew: so one script can put the one in the place of the other.
 */
import { randomBytes } from "node:crypto";

const TAG_BYTES = 6;
/** 144 bits, all of them beside the tag. */
const SECRET_BYTES = 18;
const SHAPE = /^[A-Za-z0-9_-]{8}\.[A-Za-z0-9_-]{24}$/;

function random(bytes: number): string {
	return randomBytes(bytes).toString("base64url");
}

export function newId(): string {
	return `${random(TAG_BYTES)}.${random(SECRET_BYTES)}`;
}

/** Another id for the session of this one, in the same slot. */
export function renewedId(id: string): string {
	return `${id.slice(0, id.indexOf("."))}.${random(SECRET_BYTES)}`;
}

/** The key of an id; null for anything that this store did not give out: nothing of that gets into a key. */
export function keyOf(prefix: string, id: unknown): string | null {
	if (typeof id !== "string" || !SHAPE.test(id)) return null;
	const [tag, secret] = id.split(".");
	return `${prefix}{${tag}}:${secret}`;
}
