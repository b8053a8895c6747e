/** As it is installed: with Keyv's own serializer. */
import type { CacheAdapter } from "../driver.js";
import { keyvBy } from "./keyv.js";

export async function load(): Promise<CacheAdapter> {
	return keyvBy("installed");
}
