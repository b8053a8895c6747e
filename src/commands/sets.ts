/** Sets. */

import { ListCommands } from "./lists.js";
import type { Surface } from "./surface.js";

export abstract class SetCommands<Text extends string | Buffer, S extends Surface> extends ListCommands<Text, S> {}
