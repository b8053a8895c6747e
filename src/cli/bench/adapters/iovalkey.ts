import type { Adapter } from "../adapter.js";
import { ioredisFamily } from "./ioredis-family.js";

export async function load(): Promise<Adapter> {
	return ioredisFamily("iovalkey", false);
}
