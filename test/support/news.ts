import type { Message, Subscription } from "../../src/index.js";

/** The next messages of a subscription, which goes on. */
export async function take<Text extends string | Buffer>(
	news: Subscription<Text>,
	count: number,
	timeoutMs = 10_000,
): Promise<Message<Text>[]> {
	const iterator = news[Symbol.asyncIterator]();
	const taken: Message<Text>[] = [];
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`${taken.length} of ${count} messages came within ${timeoutMs} ms`)), timeoutMs);
	});
	try {
		while (taken.length < count) {
			const { done, value } = await Promise.race([iterator.next(), late]);
			if (done) throw new Error(`the subscription ended after ${taken.length} of ${count} messages`);
			taken.push(value);
		}
	} finally {
		clearTimeout(timer);
	}
	return taken;
}

/** What a loop reads until it ends. */
export async function drain<Text extends string | Buffer>(news: Subscription<Text>): Promise<Message<Text>[]> {
	const read: Message<Text>[] = [];
	for await (const message of news) read.push(message);
	return read;
}
