/** One client under one workload, in a process of its own, and under its own runtime. */
import { type Adapter, adapters, type Driver } from "./adapter.js";
import { isRead, type Operation, operationOf, wrongRead } from "./operation.js";
import { type Checked, countWrites, measureRound, type Round, type Start, type Started, serve, type Trial } from "./trial.js";
import { requestsOf, type Workload, type WorkRequest } from "./workload.js";

class ClientTrial implements Trial {
	readonly #driver: Driver;
	readonly #workload: Workload;
	readonly #requests: readonly WorkRequest[];
	readonly #run: Operation | null;
	readonly #native: boolean;

	constructor(driver: Driver, workload: Workload, requests: readonly WorkRequest[], native: boolean) {
		this.#driver = driver;
		this.#workload = workload;
		this.#native = native;
		this.#requests = requests;
		this.#run = operationOf(driver, workload, requests);
	}

	get supported(): boolean {
		return this.#run !== null;
	}

	async check(requests: number): Promise<Checked> {
		const run = this.#run as Operation;
		const writes = await countWrites(async () => {
			for (let i = 0; i < requests; i++) {
				const result = await run(i);
				const request = this.#requests[i % this.#requests.length] as WorkRequest;
				const wrong =
					isRead(this.#workload) && !this.#driver.countsOnly ? wrongRead(result, request, this.#workload, this.#driver) : null;
				if (wrong !== null) throw new Error(`it returned ${wrong}`);
			}
		});
		return { writes: this.#native ? null : writes };
	}

	round(ms: number): Promise<Round> {
		return measureRound(this.#run as Operation, this.#workload.inFlight, ms);
	}

	async close(): Promise<void> {
		await this.#driver.close();
	}
}

async function start({ client, target, workload }: Start<Workload>): Promise<{ trial: Trial } & Started> {
	const entry = adapters.find(({ name }) => name === client);
	if (entry === undefined) throw new Error(`${client} is no client of this benchmark`);
	const { load } = (await import(`./adapters/${client}.js`)) as { load(): Promise<Adapter> };
	const { version, connect } = await load();
	const requests = requestsOf(workload);
	const trial = new ClientTrial(await connect(target, workload, requests), workload, requests, entry.native === true);
	return { trial, version, supported: trial.supported };
}

await serve(start);
