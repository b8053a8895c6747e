/**
 * Names of what is stored beside a key, in the key's slot so that one command or script may name both. On a standalone server every name will
 * do; on a cluster one with the key's own hash tag, or with the key as its tag:
 *
 * | key | its metadata | its lease |
 * |---|---|---|
 * | `app:user:1`, standalone | `app:user:1:meta` | `slotwire:lease:app:user:1` |
 * | `app:{user}:1`, cluster | `app:{user}:1:meta` | `slotwire:lease:app:{user}:1` |
 * | `app:user:1`, cluster | `{app:user:1}:meta` | `slotwire:lease:{app:user:1}` |
 *
 * Keys with braces of another kind, `a}{b`, have no such name on a cluster: their metadata is elsewhere, and their lease nowhere.
 */
import { keySlot } from "../slot.js";

const METADATA = ":meta";
const LEASE = "slotwire:lease:";

export interface SideKey {
	readonly name: string;
	/** It is in the key's slot. */
	readonly beside: boolean;
}

export function metadataKey(key: string, cluster: boolean): SideKey {
	return sideKey(key, cluster, (base) => `${base}${METADATA}`);
}

/** Null where there is none. */
export function leaseKey(key: string, cluster: boolean): string | null {
	const { name, beside } = sideKey(key, cluster, (base) => `${LEASE}${base}`);
	return beside ? name : null;
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
