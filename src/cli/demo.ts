/** `slotwire demo`: a real cluster, 512 values, and three ways of reading them side by side. */
import { parseArgs } from "node:util";
import type { Client } from "../client.js";
import { createClient } from "../create-client.js";
import { percentile } from "./percentile.js";
import type { ServerRuntime } from "./servers/runtime.js";

export const demoHelp = `slotwire demo [--json] [--rounds N]

Starts a cluster of 3 primaries on free loopback ports, writes 512 values of 2 KiB with a time to live under keys that share a
hash tag and under keys that do not, reads them back in three ways and compares them. Everything it started is stopped again.

  --json      print rows { keys, method, p50Ms, p95Ms, p99Ms, commands, flights } instead of a table
  --rounds N  measured requests for each row (default 15)
  --help      this text
`;

const KEYS = 512;
const VALUE_BYTES = 2048;
const TTL_SECONDS = 60;

export interface DemoRow {
	keys: "tagged" | "untagged";
	method: "loop" | "concurrent" | "mget";
	p50Ms: number;
	p95Ms: number;
	p99Ms: number;
	/** Per request of all 512 keys. */
	commands: number;
	flights: number;
}

type Method = (client: Client<Buffer>, keys: string[]) => Promise<(Buffer | null)[]>;

const methods: Record<DemoRow["method"], Method> = {
	async loop(client, keys) {
		const values: (Buffer | null)[] = [];
		for (const key of keys) values.push(await client.get(key));
		return values;
	},
	concurrent: (client, keys) => Promise.all(keys.map((key) => client.get(key))),
	mget: (client, keys) => client.mget(keys),
};

/** Runs the demo; its result goes to `print`, what it is doing to `note`. */
export async function runDemo(
	args: string[],
	findRuntime: () => Promise<ServerRuntime>,
	print: (text: string) => void,
	note: (text: string) => void,
): Promise<void> {
	const { values } = parseArgs({
		args,
		options: { json: { type: "boolean" }, rounds: { type: "string", default: "15" }, help: { type: "boolean" } },
	});
	if (values.help) {
		print(demoHelp);
		return;
	}
	const rounds = Number(values.rounds);
	if (!Number.isInteger(rounds) || rounds < 1) throw new TypeError("--rounds must be an integer from 1");
	const runtime = await findRuntime();
	note(`${runtime.name}: starting a cluster of 3 primaries`);
	await using cluster = await runtime.startCluster({ primaries: 3 });
	await using client = await createClient({ nodes: cluster.endpoints });
	note(`writing ${KEYS} values of ${VALUE_BYTES} bytes under tagged and under untagged keys`);
	const rows: DemoRow[] = [];
	for (const keys of ["tagged", "untagged"] as const) rows.push(...(await measure(client, keys, rounds)));
	print(values.json ? `${JSON.stringify(rows, null, 2)}\n` : table(rows));
}

async function measure(client: Client, kind: DemoRow["keys"], rounds: number): Promise<DemoRow[]> {
	const keys = Array.from({ length: KEYS }, (_, i) => (kind === "tagged" ? `demo:{trace}:chunk:${i}` : `demo:chunk:${i}`));
	const expected = keys.map((_, i) => Buffer.alloc(VALUE_BYTES, i));
	await client.setMany(
		keys.map((key, i) => [key, expected[i] as Buffer]),
		{ ex: TTL_SECONDS },
	);
	const names = Object.keys(methods) as DemoRow["method"][];
	const times = new Map(names.map((name) => [name, [] as number[]]));
	const costs = new Map<DemoRow["method"], Pick<DemoRow, "commands" | "flights">>();
	// Interleaved, so that a slow moment of the machine falls on all of them; two rounds to warm up.
	for (let round = -2; round < rounds; round++) {
		for (const name of names) {
			const before = client.stats();
			const start = performance.now();
			const read = await methods[name](client.buffers, keys);
			const elapsed = performance.now() - start;
			const after = client.stats();
			if (!read.every((value, i) => value?.equals(expected[i] as Buffer))) throw new Error(`${name} read wrong values`);
			if (round >= 0) times.get(name)?.push(elapsed);
			costs.set(name, { commands: after.commands - before.commands, flights: after.flights - before.flights });
		}
	}
	return names.map((method) => {
		const sorted = (times.get(method) as number[]).sort((a, b) => a - b);
		const cost = costs.get(method) as Pick<DemoRow, "commands" | "flights">;
		return { keys: kind, method, p50Ms: at(sorted, 0.5), p95Ms: at(sorted, 0.95), p99Ms: at(sorted, 0.99), ...cost };
	});
}

/** In milliseconds with three decimals. */
function at(sorted: number[], share: number): number {
	return Math.round(percentile(sorted, share) * 1000) / 1000;
}

function table(rows: DemoRow[]): string {
	const header = ["keys", "read by", "p50 ms", "p95 ms", "p99 ms", "commands", "flights"];
	const words = { loop: "awaited GETs", concurrent: "concurrent GETs", mget: "mget" };
	const lines = rows.map((row) => [
		row.keys,
		words[row.method],
		...[row.p50Ms, row.p95Ms, row.p99Ms].map((ms) => ms.toFixed(2)),
		String(row.commands),
		String(row.flights),
	]);
	const widths = header.map((_, i) => Math.max(...[header, ...lines].map((line) => (line[i] as string).length)));
	const format = (line: string[]): string =>
		line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number))).join("  ");
	return `one request reads ${KEYS} keys of ${VALUE_BYTES} bytes\n\n${[header, ...lines].map(format).join("\n")}\n`;
}
