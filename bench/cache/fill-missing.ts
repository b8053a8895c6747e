/** What a service writes around a cache that has calls for many keys, but none that makes what is missing. */

/**
 * @param values in the order of the keys; undefined: not there
 * @returns the same list, complete
 */
export async function fillMissing(
	keys: readonly string[],
	values: unknown[],
	make: (missing: string[]) => Promise<object[]>,
	store: (made: [key: string, value: object][]) => Promise<unknown>,
): Promise<unknown[]> {
	const missing: number[] = [];
	for (let i = 0; i < values.length; i++) if (values[i] === undefined) missing.push(i);
	if (missing.length === 0) return values;
	const made = await make(missing.map((i) => keys[i] as string));
	await store(missing.map((i, n) => [keys[i] as string, made[n] as object]));
	for (const [n, i] of missing.entries()) values[i] = made[n];
	return values;
}
