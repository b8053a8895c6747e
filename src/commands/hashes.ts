/** Hashes: fields and values. */

import { HyperLogLogCommands } from "./hyperloglog.js";
import type { Surface } from "./surface.js";

export abstract class HashCommands<Text extends string | Buffer, S extends Surface> extends HyperLogLogCommands<Text, S> {}
