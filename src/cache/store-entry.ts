/** Stores a value together with its metadata, or without any. */
import type { Client } from "../client.js";
import { ClientError } from "../errors.js";
import { defineScript } from "../script.js";
import type { Bytes } from "./backend.js";
import { type ResolvedEntry, setOptions } from "./entry-options.js";
import type { SideKey } from "./side-keys.js";

/** KEYS: key, metadata. ARGV: value, metadata or "", milliseconds or "", NX or XX or "". */
const store = defineScript({
	keys: 2,
	lua: `
local words = {'SET', KEYS[1], ARGV[1]}
local function add(word) words[#words + 1] = word end
if ARGV[3] ~= '' then add('PX') add(ARGV[3]) end
if ARGV[4] ~= '' then add(ARGV[4]) end
if not redis.call(unpack(words)) then return 0 end
if ARGV[2] == '' then redis.call('UNLINK', KEYS[2])
elseif ARGV[3] == '' then redis.call('SET', KEYS[2], ARGV[2])
else redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3]) end
return 1`,
	reply: Boolean,
});

/** @returns whether it was stored */
export async function storeEntry(
	client: Client,
	name: string,
	side: SideKey,
	value: Bytes,
	entry: ResolvedEntry,
): Promise<boolean> {
	const { metadata, condition, ttlMs } = entry;
	if (!metadata && condition === null) {
		await Promise.all([client.set(name, value, setOptions(entry)), client.unlink(side.name)]);
		return true;
	}
	const beside = setOptions({ ...entry, condition: null });
	if (metadata && condition === null && side.beside) {
		const replies = await client.multi().set(name, value, beside).set(side.name, metadata, beside).exec();
		for (const reply of replies) if (reply instanceof ClientError) throw reply;
		return true;
	}
	if (side.beside) {
		const words = [metadata ?? "", ttlMs === null ? "" : `${ttlMs}`, condition?.toUpperCase() ?? ""];
		return await client.run(store, [name, side.name], [value, ...words]);
	}
	if ((await client.set(name, value, setOptions(entry))) === null) return false;
	await (metadata ? client.set(side.name, metadata, beside) : client.unlink(side.name));
	return true;
}
