/**
 * All typed commands. Each group extends the one before it:
 *
 *     surface ─► keys ─► strings ─► bitmaps ─► hyperloglog ─► hashes ─► lists ─► sets ─► sorted-sets ─► geo ─► streams ─► scripting ─► server
 *     ─► publishing ─► blocking
 *
 * The rest of the servers' catalogue, once it is generated, is one more group before this one.
 */
import { BlockingCommands } from "./blocking.js";
import type { Surface } from "./surface.js";

export abstract class Commands<Text extends string | Buffer, S extends Surface> extends BlockingCommands<Text, S> {}
