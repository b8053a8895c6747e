/** Everything that an iterable hands over. */
export async function collect<T>(found: AsyncIterable<T>): Promise<T[]> {
	const items: T[] = [];
	for await (const item of found) items.push(item);
	return items;
}
