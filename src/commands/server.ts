/** Commands about the server and its keyspace as a whole. */

import { ScriptingCommands } from "./scripting.js";
import type { Surface } from "./surface.js";

export abstract class ServerCommands<Text extends string | Buffer, S extends Surface> extends ScriptingCommands<Text, S> {}
