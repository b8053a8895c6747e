/** As it is: one factory among all processes. */
import type { CacheAdapter } from "../driver.js";
import { slotwireCache } from "./slotwire-cache.js";

export async function load(): Promise<CacheAdapter> {
	return slotwireCache({});
}
