/**
 * Names of what is stored beside a key, in the key's slot so that one command or script may name both. On a standalone server every name will
 * do; on a cluster one with the key's own hash tag, or with the key as its tag:
 *
 * | key | its metadata | its lease |
 * |---|---|---|
 * | `app:user:1`, standalone | `app:user:1:meta` | `slotwire:lease:app:user:1` |
 * | `app:{user}:1`, cluster | `app:{user}:1:meta` | `slotwire:lease:app:{user}:1` |
 * | `app:user:1`, cluster | `{app:user:1}:meta` | `slotwire:lease:{app:user:1}` |
 * | `list:{}`, cluster | `list:{}:meta`, elsewhere | `slotwire:lease:{4o4}:list:{}` |
 *
 * A key that is all in braces, `{user}` on a cluster, has its metadata at `{user}:meta:meta`: `{user}:meta` is that of `user`. They share a lease.
 *
 * Keys with braces of another kind, as the last one, cannot be a tag: their metadata is in a slot of its own, and their lease has for a tag
 * what happens to be of their slot.
 */
import { keySlot } from "../slot.js";
import { escapeGlob } from "./glob.js";

const METADATA = ":meta";
const LEASE = "slotwire:lease:";

export interface SideKey {
	readonly name: string;
	/** It is in the key's slot. */
	readonly beside: boolean;
}

export function metadataKey(key: string, cluster: boolean): SideKey {
	const side = sideKey(key, cluster, (base) => `${base}${METADATA}`);
	// Without the braces it is a key as well, whose metadata has that name; one more ending makes a name that no key's metadata has.
	const taken = cluster && key.startsWith("{") && key.endsWith("}");
	return taken ? { ...side, name: `${side.name}${METADATA}` } : side;
}

export function leaseKey(key: string, cluster: boolean): string {
	const { name, beside } = sideKey(key, cluster, (base) => `${LEASE}${base}`);
	return beside ? name : `${LEASE}{${tagOf(keySlot(key))}}:${key}`;
}

/** For SCAN: the leases of all keys that begin so are among what matches. On a cluster a name begins in three ways, so there it is every lease. */
export function leasesPattern(prefix: string, cluster: boolean): string {
	return `${LEASE}${cluster ? "" : escapeGlob(prefix)}*`;
}

/** Whether it is the lease of a key that begins so. */
export function isLeaseUnder(name: string, prefix: string, cluster: boolean): boolean {
	if (!isLease(name)) return false;
	const rest = name.slice(LEASE.length);
	const keys = [rest, /^\{(.+)\}$/s.exec(rest)?.[1], /^\{[0-9a-z]+\}:(.+)$/s.exec(rest)?.[1]];
	return keys.some((key) => key?.startsWith(prefix) === true && leaseKey(key, cluster) === name);
}

/** The first number, in base 36, of each slot that was asked for, and of those met on the way. */
const tags = new Map<number, string>();
let tried = 0;

function tagOf(slot: number): string {
	for (; !tags.has(slot); tried++) {
		const tag = tried.toString(36);
		const met = keySlot(tag);
		if (!tags.has(met)) tags.set(met, tag);
	}
	return tags.get(slot) as string;
}

function sideKey(key: string, cluster: boolean, nameOf: (base: string) => string): SideKey {
	const plain = nameOf(key);
	if (!cluster) return { name: plain, beside: true };
	const slot = keySlot(key);
	if (keySlot(plain) === slot) return { name: plain, beside: true };
	const tagged = nameOf(`{${key}}`);
	return keySlot(tagged) === slot ? { name: tagged, beside: true } : { name: plain, beside: false };
}

/** Whether a key is, or would be taken for, one with metadata. */
export function isMetadataKey(key: string): boolean {
	return key.endsWith(METADATA);
}

export function isLease(key: string): boolean {
	return key.startsWith(LEASE);
}

/** Whether any key that begins so is. */
export function mayMeanLeases(prefix: string): boolean {
	return prefix.startsWith(LEASE) || LEASE.startsWith(prefix);
}
