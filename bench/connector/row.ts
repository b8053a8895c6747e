/** One client's outcome as a row. */
import { type Measured, summarize } from "../../src/cli/bench/results.js";
import type { Row, SubjectFields } from "./csv.js";
import { DEFAULT_CHUNK, DEFAULT_POOL, type Job } from "./plan.js";

export function subjectOf({ variant, client, workload }: Job): SubjectFields {
	const { call, topology, tagged, valueBytes, keys, chunkSize = DEFAULT_CHUNK, poolSize = DEFAULT_POOL } = workload;
	// Chunks are slotwire's own, and only its batches have them.
	const chunked = client === "slotwire" && call === "mget";
	return {
		variant,
		client,
		topology,
		tagged,
		value_bytes: valueBytes,
		keys_per_request: keys,
		chunk_size: chunked ? chunkSize : "",
		pool_size: poolSize,
	};
}

/** @throws when the servers did not find every key of the requests that were checked */
export function rowOf(job: Job, measured: Measured): Row {
	const { keys } = job.workload;
	if (measured.hits !== keys) throw new Error(`the server found ${measured.hits} keys a request instead of ${keys}`);
	const { rate, bytesRate, p50, p95, p99 } = summarize(measured, job.workload);
	return {
		...subjectOf(job),
		p50: milliseconds(p50),
		p95: milliseconds(p95),
		p99: milliseconds(p99),
		ops_sec: rate.toFixed(1),
		bytes_sec: bytesRate.toFixed(0),
		round_trips_per_request: measured.flights ?? "",
		commands_per_request: measured.commands,
		keyspace_hits_per_request: measured.hits,
	};
}

function milliseconds(microseconds: number): string {
	return (microseconds / 1000).toFixed(3);
}
