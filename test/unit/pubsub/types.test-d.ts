/** What the types of publish/subscribe promise; `npm run types` fails where one of them does not hold. Nothing here runs. */
import { expectTypeOf } from "vitest";
import type { Client, Gap, Message, Subscription } from "../../../src/index.js";

declare const client: Client;
declare const buffers: Client<Buffer>;
declare const news: Subscription;

expectTypeOf(client.subscribe("a")).resolves.toEqualTypeOf<Subscription<string>>();
expectTypeOf(buffers.psubscribe([Buffer.from("a"), "b"] as const)).resolves.toEqualTypeOf<Subscription<Buffer>>();
expectTypeOf<Message["message"]>().toEqualTypeOf<string>();
expectTypeOf<Message<Buffer>["channel"]>().toEqualTypeOf<Buffer>();
expectTypeOf<Message["pattern"]>().toEqualTypeOf<string | undefined>();
expectTypeOf<Message["gap"]>().toEqualTypeOf<true | undefined>();
expectTypeOf<Gap["reason"]>().toEqualTypeOf<"connection-lost" | "node-left" | "slot-moved" | "overflow">();
expectTypeOf<Gap<Buffer>["names"]>().toEqualTypeOf<Buffer[]>();
expectTypeOf(news[Symbol.asyncIterator]().next()).resolves.toEqualTypeOf<IteratorResult<Message, undefined>>();
expectTypeOf(client.publish("a", 1)).resolves.toEqualTypeOf<number>();
expectTypeOf(client.unsubscribe()).resolves.toEqualTypeOf<void>();

// A listener may be anything that takes a message, async ones included.
client.subscribe("a", { listener: async ({ channel, message }) => channel + message });
buffers.ssubscribe("a", { listener: ({ message }) => message.length, onGap: () => {}, overflow: "fail" });

// @ts-expect-error a number is no channel
client.subscribe(5);
// @ts-expect-error no such policy
client.subscribe("a", { overflow: "block" });
// @ts-expect-error figures are read, not written to
news.dropped = 0;
