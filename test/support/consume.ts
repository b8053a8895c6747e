/** What a consumer of a stream handed out. */
import type { ConsumedEntry, StreamConsumer } from "../../src/index.js";

/** Takes so many entries and leaves the consumer as it is; acknowledges them when asked to. */
export async function take(consumer: StreamConsumer, count: number, ack = false): Promise<ConsumedEntry[]> {
	const entries: ConsumedEntry[] = [];
	const iterator = consumer[Symbol.asyncIterator]();
	while (entries.length < count) {
		const { value, done } = await iterator.next();
		if (done) throw new Error(`The consumer ended after ${entries.length} of ${count} entries.`);
		entries.push(value);
		if (ack) await value.ack();
	}
	return entries;
}

export function idsOf(entries: readonly { id: string }[]): string[] {
	return entries.map(({ id }) => id);
}
