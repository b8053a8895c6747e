/** One cache under one workload, in a process of its own. */
import type { Operation } from "../../src/cli/bench/operation.js";
import {
	type Checked,
	countWrites,
	measureRound,
	type Round,
	type Start,
	type Started,
	serve,
	type Trial,
} from "../../src/cli/bench/trial.js";
import { type CacheAdapter, type CacheDriver, caches, type Found } from "./driver.js";
import { type CacheWorkload, keysOf, placeOf, requestCount, sourceValue } from "./workload.js";

class CacheTrial implements Trial {
	readonly #driver: CacheDriver;
	readonly #workload: CacheWorkload;
	/** Of each request; those that miss use them in turn, under new keys. */
	readonly #values: readonly object[][];
	readonly #keys: readonly string[][];
	readonly #run: Operation;
	/** Values that factories made. */
	#made = 0;

	constructor(driver: CacheDriver, workload: CacheWorkload) {
		const requests = Array.from({ length: requestCount(workload) }, (_, request) => request);
		this.#driver = driver;
		this.#workload = workload;
		this.#keys = requests.map((request) => keysOf(request, workload));
		this.#values = this.#keys.map((keys, request) => keys.map((_, place) => sourceValue(request, place, workload)));
		this.#run = workload.call === "getOrSet" ? (request) => this.#one(request) : (request) => this.#many(request);
	}

	async check(requests: number): Promise<Checked> {
		this.#made = 0;
		const writes = await countWrites(async () => {
			for (let request = 0; request < requests; request++) {
				const wrong = this.#wrong(request, await this.#run(request));
				if (wrong !== null) throw new Error(`it returned ${wrong}`);
			}
		});
		return { writes, made: this.#made };
	}

	round(ms: number): Promise<Round> {
		return measureRound(this.#run, this.#workload.inFlight, ms);
	}

	async close(): Promise<void> {
		await this.#driver.close();
	}

	#keysAt(request: number): string[] {
		if (this.#workload.found === "miss") return keysOf(request, this.#workload);
		return this.#keys[request % this.#keys.length] as string[];
	}

	#valuesAt(request: number): object[] {
		return this.#values[request % this.#values.length] as object[];
	}

	#one(request: number): Promise<unknown> {
		return this.#driver.getOrSet(this.#keysAt(request)[0] as string, async () => {
			this.#made += 1;
			return this.#valuesAt(request)[0] as object;
		});
	}

	#many(request: number): Promise<unknown> {
		return this.#driver.getOrSetMany(this.#keysAt(request), async (missing) => {
			this.#made += missing.length;
			const values = this.#valuesAt(request);
			return missing.map((key) => values[placeOf(key)] as object);
		});
	}

	/** Why a result is not what the source has; null when it is. */
	#wrong(request: number, result: unknown): string | null {
		const keys = this.#keysAt(request);
		const found = this.#workload.call === "getOrSet" ? [result] : inOrder(result as Found, keys);
		if (found.length !== keys.length) return `${found.length} values instead of ${keys.length}`;
		const place = this.#valuesAt(request).findIndex((value, i) => JSON.stringify(found[i]) !== JSON.stringify(value));
		return place < 0 ? null : `a wrong value at position ${place}`;
	}
}

function inOrder(found: Found, keys: readonly string[]): readonly unknown[] {
	return found instanceof Map ? keys.map((key) => found.get(key)) : (found as readonly unknown[]);
}

async function start({ client, target, workload }: Start<CacheWorkload>): Promise<{ trial: Trial } & Started> {
	if (!caches.some(({ name }) => name === client)) throw new Error(`${client} is no cache of this benchmark`);
	const { load } = (await import(`./adapters/${client}.js`)) as { load(): Promise<CacheAdapter> };
	const { version, connect } = await load();
	// All of them share the servers, each its own keys.
	return { trial: new CacheTrial(await connect(target, `bench-${client}`, workload), workload), version, supported: true };
}

await serve(start);
