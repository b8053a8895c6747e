/** One factory in each process, as it is with the peers. */
import type { CacheAdapter } from "../driver.js";
import { slotwireCache } from "./slotwire-cache.js";

export async function load(): Promise<CacheAdapter> {
	return slotwireCache({ singleFlight: "process" });
}
