/** Lists. Those that block are in `blocking.ts`. */

import { HashCommands } from "./hashes.js";
import type { Surface } from "./surface.js";

export abstract class ListCommands<Text extends string | Buffer, S extends Surface> extends HashCommands<Text, S> {}
