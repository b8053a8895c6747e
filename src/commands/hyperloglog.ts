/** HyperLogLog: how many different things, in 12 KiB. */

import { BitmapCommands } from "./bitmaps.js";
import type { Surface } from "./surface.js";

export abstract class HyperLogLogCommands<Text extends string | Buffer, S extends Surface> extends BitmapCommands<Text, S> {}
