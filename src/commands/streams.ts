/** Streams and consumer groups. */

import { GeoCommands } from "./geo.js";
import type { Surface } from "./surface.js";

export abstract class StreamCommands<Text extends string | Buffer, S extends Surface> extends GeoCommands<Text, S> {}
