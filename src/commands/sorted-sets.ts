/** Sorted sets. */

import { SetCommands } from "./sets.js";
import type { Surface } from "./surface.js";

export abstract class SortedSetCommands<Text extends string | Buffer, S extends Surface> extends SetCommands<Text, S> {}
