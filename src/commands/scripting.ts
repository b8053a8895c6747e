/** Scripts and functions. */

import { StreamCommands } from "./streams.js";
import type { Surface } from "./surface.js";

export abstract class ScriptingCommands<Text extends string | Buffer, S extends Surface> extends StreamCommands<Text, S> {}
