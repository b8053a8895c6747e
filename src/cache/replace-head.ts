/** Writes over the first bytes of a value, which stays where it is: its time to live stays, and however large it is only these bytes travel. */
import type { Client } from "../client.js";
import { defineScript } from "../script.js";

/** KEYS: key. ARGV: what it begins with, what it is to begin with. A key of another type has no beginning. */
const replace = defineScript({
	keys: 1,
	lua: `
if redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
redis.call('SETRANGE', KEYS[1], 0, ARGV[2])
return 1`,
	reply: Boolean,
});

/** @returns whether it did */
export async function replaceHead(client: Client, name: string, expected: Uint8Array, head: Uint8Array): Promise<boolean> {
	return await client.run(replace, [name], [expected, head]);
}
