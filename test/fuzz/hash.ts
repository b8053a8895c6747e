/** FNV-1a: what is drawn from it belongs to the bytes, so that an input alone is enough to repeat what was done with it. */
export function hashOf(bytes: Uint8Array): number {
	let hash = 0x811c9dc5;
	for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
	return hash | 0;
}
