import { type ServerNode, waitUntil } from "../../fixtures/servers.js";
import type { Client, Reply } from "../../src/index.js";

/** Resolves when so many commands are blocked at a server. */
export async function areBlocked(node: ServerNode, count: number): Promise<void> {
	await waitUntil(`${count} blocked clients`, async () => {
		const now = await blockedAt(node);
		return now === count || `${now} are blocked`;
	});
}

export async function blockedAt(node: ServerNode): Promise<number> {
	return Number(/blocked_clients:(\d+)/.exec(String(await node.raw("INFO", "clients")))?.[1]);
}

/** Sends a command as its typed method would. */
export function sendTyped(client: Client, ...words: (string | number)[]): Promise<Reply> {
	return (client as unknown as { send(words: readonly unknown[]): Promise<Reply> }).send(words);
}
