/** As it is installed: with Keyv's own serializer. */
import type { CacheAdapter } from "../driver.js";
import { cacheManagerBy } from "./cache-manager.js";

export async function load(): Promise<CacheAdapter> {
	return cacheManagerBy("installed");
}
