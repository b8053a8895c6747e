import type { ServerNode } from "../../fixtures/servers.js";

/** How often a server answered a command, and how often it refused it before it ran. A subcommand is named as in `cluster|slots`. */
export async function commandStats(node: ServerNode, command: string): Promise<{ calls: number; rejected: number }> {
	const lines = String(await node.raw("INFO", "commandstats")).split("\r\n");
	const line = lines.find((each) => each.startsWith(`cmdstat_${command}:`)) ?? "";
	const field = (name: string): number => Number(new RegExp(`[:,]${name}=(\\d+)`).exec(line)?.[1] ?? 0);
	return { calls: field("calls"), rejected: field("rejected_calls") };
}
