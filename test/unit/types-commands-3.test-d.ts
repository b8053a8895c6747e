/** What the types of the stream commands and of the consumer promise; `npm run types` fails where one of them does not hold. */
import { expectTypeOf } from "vitest";
import type {
	Claimed,
	Client,
	ClientError,
	ConsumedEntry,
	GroupEntry,
	PendingEntry,
	PendingSummary,
	StreamConsumer,
	StreamEntry,
	StreamRead,
} from "../../src/index.js";

declare const client: Client;
declare const buffers: Client<Buffer>;

// An id comes unless `nomkstream` may forbid it.
expectTypeOf(client.xadd("k", { f: 1 })).resolves.toEqualTypeOf<string>();
expectTypeOf(buffers.xadd("k", new Map([["f", 1n]]), { maxlen: 5, approximate: true })).resolves.toEqualTypeOf<string>();
expectTypeOf(client.xadd("k", [["f", "v"]] as const, { nomkstream: true })).resolves.toEqualTypeOf<string | null>();

// Ids are text in every view, values are not.
expectTypeOf(client.xrange("k")).resolves.toEqualTypeOf<StreamEntry<string>[]>();
expectTypeOf(buffers.xrevrange("k", "+", 0, { count: 1 })).resolves.toEqualTypeOf<StreamEntry<Buffer>[]>();
expectTypeOf<StreamEntry<Buffer>>().toEqualTypeOf<{ id: string; fields: Record<string, Buffer> }>();
expectTypeOf(client.xread({ k: "$" }, { block: 5 })).resolves.toEqualTypeOf<StreamRead<string>[] | null>();
expectTypeOf(buffers.xreadgroup("g", "c", [[Buffer.from("k"), ">"]])).resolves.toEqualTypeOf<
	StreamRead<Buffer, GroupEntry<Buffer>>[] | null
>();
expectTypeOf<GroupEntry["fields"]>().toEqualTypeOf<Record<string, string> | null>();

// Options decide what comes.
expectTypeOf(client.xclaim("k", "g", "c", 0, "1-1")).resolves.toEqualTypeOf<StreamEntry<string>[]>();
expectTypeOf(buffers.xclaim("k", "g", "c", 0, ["1-1", 2], { justid: true })).resolves.toEqualTypeOf<string[]>();
expectTypeOf(client.xautoclaim("k", "g", "c", 0)).resolves.toEqualTypeOf<Claimed<StreamEntry<string>>>();
expectTypeOf(client.xautoclaim("k", "g", "c", 0, "0", { justid: true })).resolves.toEqualTypeOf<Claimed<string>>();
expectTypeOf(buffers.xpending("k", "g")).resolves.toEqualTypeOf<PendingSummary<Buffer>>();
expectTypeOf(buffers.xpending("k", "g", { count: 5 })).resolves.toEqualTypeOf<PendingEntry<Buffer>[]>();
expectTypeOf(client.xinfoStream("k").then((info) => info["first-entry"])).resolves.toEqualTypeOf<StreamEntry<string> | null>();
expectTypeOf(client.xinfoStream("k", { full: true }).then(({ entries }) => entries)).resolves.toEqualTypeOf<
	StreamEntry<string>[]
>();
expectTypeOf(client.xgroupCreate("k", "g", 0, { mkstream: true })).resolves.toEqualTypeOf<"OK">();
expectTypeOf(client.xgroupDestroy("k", "g")).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(client.pipeline().xadd("k", { f: 1 }).xlen("k").xack("k", "g", ["1-1"], "2-2").exec()).resolves.toEqualTypeOf<
	[string | ClientError, number | ClientError, number | ClientError]
>();

// @ts-expect-error one of them at least
client.xpending("k", "g", {});
// @ts-expect-error no such option
client.xread({ k: "0" }, { noack: true });
// @ts-expect-error a number is no key
client.xread(new Map([[5, "0"]]));
// @ts-expect-error an object is no value
client.xadd("k", { f: {} });
// @ts-expect-error `count` is of `full`
client.xinfoStream("k", { count: 5 });

const consumer = buffers.streamConsumer({ key: "k", group: "g", consumer: "c", createGroup: { id: "$" } });
expectTypeOf(consumer).toEqualTypeOf<StreamConsumer<Buffer>>();
async () => {
	for await (const entry of consumer) expectTypeOf(entry).toEqualTypeOf<ConsumedEntry<Buffer>>();
};
expectTypeOf<ConsumedEntry["fields"]>().toEqualTypeOf<Record<string, string>>();
expectTypeOf<ConsumedEntry["ack"]>().returns.resolves.toEqualTypeOf<number>();
expectTypeOf(consumer.ack("1-1", ["2-2"])).resolves.toEqualTypeOf<number>();
// @ts-expect-error the consumer's name is missing
client.streamConsumer({ key: "k", group: "g" });
