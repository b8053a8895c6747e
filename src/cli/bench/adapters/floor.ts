import type { Adapter } from "../adapter.js";
import { floorFamily } from "./floor-family.js";

/** Reads as nearly every client does, by the `data` event: Node allocates each chunk anew. */
export async function load(): Promise<Adapter> {
	return floorFamily("data");
}
