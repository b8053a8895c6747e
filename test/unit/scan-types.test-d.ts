/** What the types of scans promise; `npm run types` fails where one of them does not hold. Nothing here runs. */
import { expectTypeOf } from "vitest";
import type { Client, Scan, ScanOptions } from "../../src/index.js";

declare const client: Client;
declare const buffers: Client<Buffer>;
declare const novalues: boolean;

expectTypeOf(client.scan()).toEqualTypeOf<Scan<string>>();
expectTypeOf(buffers.scan({ match: Buffer.from("a*"), count: 5, type: "hash" })).toEqualTypeOf<Scan<Buffer>>();
expectTypeOf(client.scan().pages()).toEqualTypeOf<AsyncIterableIterator<string[]>>();
expectTypeOf(client.scan().cursor).toEqualTypeOf<NonNullable<ScanOptions["cursor"]>>();
expectTypeOf(client.hscan("k")).toEqualTypeOf<Scan<[field: string, value: string]>>();
expectTypeOf(client.hscan("k", { novalues: true })).toEqualTypeOf<Scan<string>>();
expectTypeOf(client.hscan("k", { novalues })).toEqualTypeOf<Scan<string | [field: string, value: string]>>();
expectTypeOf(buffers.sscan("k")).toEqualTypeOf<Scan<Buffer>>();
expectTypeOf(buffers.zscan("k")).toEqualTypeOf<Scan<[member: Buffer, score: number]>>();
// @ts-expect-error a set has no types
client.sscan("k", { type: "set" });
