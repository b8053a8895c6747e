/** Bitmaps: strings, read and written bit by bit. */

import { StringCommands } from "./strings.js";
import type { Surface } from "./surface.js";

export abstract class BitmapCommands<Text extends string | Buffer, S extends Surface> extends StringCommands<Text, S> {}
