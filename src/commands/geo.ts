/** Places on a sphere, kept in sorted sets. */

import { SortedSetCommands } from "./sorted-sets.js";
import type { Surface } from "./surface.js";

export abstract class GeoCommands<Text extends string | Buffer, S extends Surface> extends SortedSetCommands<Text, S> {}
