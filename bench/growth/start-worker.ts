/**
 * A client that is given one seed of a large fake cluster: how it starts, what it opens and keeps, and what a batch over all nodes costs.
 * `node --expose-gc start-worker.js PRIMARIES` prints its figures as JSON.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { median } from "../../src/cli/bench/results.js";
import { type Client, createClient } from "../../src/index.js";
import { bytesInUse } from "./cost.js";
import type { FakeClusterMessage } from "./fake-cluster.js";
import { FAKE_HOST } from "./slots-reply.js";

const REPETITIONS = 5;
const BATCH_MS = 200;
const KEYS = Array.from({ length: 8192 }, (_, i) => `lm:growth:chunk:${1000 + i}`);

interface Start {
	/** Until `createClient` resolved. */
	startMs: number;
	startCpuMs: number;
	/** Open, or on their way, at that moment. */
	connections: number;
	/** The first batch: until every node of it was connected and answered. */
	firstBatchMs: number;
	/** From the first line to the end of that batch. */
	cpuMs: number;
	bytes: number;
}

export interface StartFigures extends Start {
	/** The first one, before anything was compiled. */
	coldStartMs: number;
	/** As the nodes counted them. */
	accepted: number;
	/** Of later batches. */
	cpuPerKey: number;
	flights: number;
}

const cluster = fork(fileURLToPath(new URL("./fake-cluster.js", import.meta.url)), [process.argv[2]!]);

async function heard(): Promise<FakeClusterMessage> {
	const [message] = (await once(cluster, "message")) as [FakeClusterMessage];
	return message;
}

async function start(port: number, use: (client: Client) => Promise<void>): Promise<Start> {
	const before = bytesInUse();
	const cpu = process.cpuUsage();
	const cpuMs = (): number => (process.cpuUsage(cpu).user + process.cpuUsage(cpu).system) / 1000;
	const began = performance.now();
	const client = await createClient({ nodes: [{ host: FAKE_HOST, port }] });
	const startMs = performance.now() - began;
	const startCpuMs = cpuMs();
	const { connections } = client.stats();
	await client.buffers.mget(KEYS);
	const figures = { startMs, startCpuMs, connections, firstBatchMs: performance.now() - began - startMs, cpuMs: cpuMs() };
	await use(client);
	const bytes = bytesInUse() - before;
	await client.close();
	return { ...figures, bytes };
}

async function batches(client: Client): Promise<{ cpuPerKey: number; flights: number }> {
	const samples: number[] = [];
	let flights = 0;
	// The first repetition warms up.
	for (let repetition = 0; repetition <= REPETITIONS; repetition++) {
		const before = client.stats().flights;
		const cpu = process.cpuUsage();
		const until = performance.now() + BATCH_MS;
		let requests = 0;
		do {
			await client.buffers.mget(KEYS);
			requests += 1;
		} while (performance.now() < until);
		const { user, system } = process.cpuUsage(cpu);
		if (repetition > 0) samples.push((user + system) / requests / KEYS.length);
		flights = (client.stats().flights - before) / requests;
	}
	return { cpuPerKey: median(samples), flights };
}

async function main(): Promise<StartFigures> {
	const message = await heard();
	if (!("seed" in message)) throw new Error("the cluster did not say its seed");
	const starts: Start[] = [];
	for (let i = 0; i < REPETITIONS; i++) starts.push(await start(message.seed, async () => {}));
	cluster.send("accepted");
	const counted = await heard();
	let figures = { cpuPerKey: Number.NaN, flights: Number.NaN };
	await start(message.seed, async (client) => {
		figures = await batches(client);
	});
	const of = (figure: keyof Start): number => median(starts.map((one) => one[figure]));
	return {
		startMs: of("startMs"),
		startCpuMs: of("startCpuMs"),
		connections: of("connections"),
		firstBatchMs: of("firstBatchMs"),
		cpuMs: of("cpuMs"),
		bytes: of("bytes"),
		coldStartMs: starts[0]!.startMs,
		accepted: "accepted" in counted ? counted.accepted / REPETITIONS : Number.NaN,
		...figures,
	};
}

process.stdout.write(JSON.stringify(await main()));
cluster.disconnect();
