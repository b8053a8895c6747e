/**
 * All typed commands but the client's alone: `blocking.ts`, `iterating.ts` and `subscribing.ts` come after these. Each group extends the one
 * before it:
 *
 *     surface ─► keys ─► strings ─► bitmaps ─► hyperloglog ─► hashes ─► lists ─► sets ─► sorted-sets ─► geo ─► streams ─► scripting ─► server
 *     ─► publishing
 *
 * The rest of the servers' catalogue, once it is generated, is one more group before this one.
 */
import { PublishCommands } from "./publishing.js";
import type { Surface } from "./surface.js";

export abstract class Commands<Text extends string | Buffer, S extends Surface> extends PublishCommands<Text, S> {}
