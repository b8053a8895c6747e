import type { Key, Value } from "../commands/arguments.js";
import type { Commands } from "../commands/commands.js";
import type { Calls } from "../commands/surface.js";
import type { Reply } from "../resp/reply.js";

/** What a consumer needs of the client. */
export interface ConsumerHost<Text extends string | Buffer> extends Commands<Text, Calls> {
	command(name: string, ...args: Value[]): Promise<Reply<Text>>;
	stats(): { readonly connections: number };
	with(options: { timeoutMs?: number; signal?: AbortSignal }): ConsumerHost<Text>;
	withConnection<T>(options: { key: Key }, use: (own: ConsumerHost<Text>) => Promise<T>): Promise<T>;
}
