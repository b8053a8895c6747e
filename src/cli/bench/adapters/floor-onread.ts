import type { Adapter } from "../adapter.js";
import { floorFamily } from "./floor-family.js";

/** Reads into one buffer, over and over: as little as a client can do that keeps nothing of what it reads. */
export async function load(): Promise<Adapter> {
	return floorFamily("onread");
}
