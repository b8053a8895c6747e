import { setTimeout as sleep } from "node:timers/promises";
import type { RedisBackend } from "slotwire/cache";
import { check } from "./report.js";

/** Far away, slow, sometimes out of order, and each call costs money. */
export interface Bank {
	rate(currency: string): Promise<number>;
}

export interface Setup {
	backend: RedisBackend;
	bank: Bank;
	/** How long a rate is good for, in milliseconds. Short here, so that the check need not wait long. */
	ttl: number;
}

export interface Rates {
	rate(currency: string): Promise<number>;
}

class TestBank implements Bank {
	calls = 0;
	value = 1;
	mood: "well" | "failing" = "well";
	#silence: Promise<void> | null = null;

	/** Answers nothing meanwhile. */
	async silentFor<T>(work: () => Promise<T>): Promise<T> {
		let end = (): void => {};
		this.#silence = new Promise((resolve) => {
			end = resolve;
		});
		try {
			return await work();
		} finally {
			this.#silence = null;
			end();
		}
	}

	async rate(): Promise<number> {
		this.calls += 1;
		const { value, mood } = this;
		if (mood === "failing") throw new Error("the bank is closed");
		await this.#silence;
		await sleep(20);
		return value;
	}
}

const TTL_MS = 300;
const PATIENCE_MS = 3000;

/** What it gives; undefined when that takes longer than anybody should wait. */
function answered<T>(asking: Promise<T>): Promise<T | undefined> {
	return Promise.race([asking, sleep(PATIENCE_MS, undefined, { ref: false })]);
}

export async function checkRates(create: (setup: Setup) => Rates): Promise<void> {
	const bank = new TestBank();
	await check("exercise-3", 2, (own) => {
		const [here, there] = own.map(({ backend }) => create({ backend, bank, ttl: TTL_MS })) as [Rates, Rates];
		return [
			{
				title: "200 callers in two processes who want the same rate are one question to the bank",
				hint: "TODO 1: getOrSet() of a cache lets one caller ask, and the others share the answer.",
				async holds() {
					const rates = await Promise.all(Array.from({ length: 200 }, (_, i) => (i % 2 ? here : there).rate("EUR")));
					return bank.calls === 1 && rates.every((rate) => rate === 1);
				},
			},
			{
				title: "a rate that the bank never gave is an error, and is asked for again",
				hint: "TODO 1: let the error pass. What a factory throws is never stored.",
				async holds() {
					bank.mood = "failing";
					const failed = await here.rate("USD").then(
						() => false,
						() => true,
					);
					bank.mood = "well";
					return failed && (await here.rate("USD")) === 1;
				},
			},
			{
				title: "when the bank fails, the old rate is good enough",
				hint: "TODO 2: the option grace keeps old values for that.",
				async holds() {
					await here.rate("CHF");
					await sleep(TTL_MS + 50);
					bank.mood = "failing";
					const rate = await here.rate("CHF").finally(() => {
						bank.mood = "well";
					});
					return rate === 1;
				},
			},
			{
				title: "when the bank is well again, its new rate is there",
				hint: "TODO 2: the option ttl says how long a rate is fresh; only grace may be long.",
				async holds() {
					bank.value = 2;
					await sleep(TTL_MS + 50);
					for (;;) {
						if ((await here.rate("CHF")) === 2) return true;
						await sleep(20);
					}
				},
			},
			{
				title: "when the bank does not answer, nobody waits long for the old rate",
				hint: "TODO 3: the option timeout says how long a caller prefers a new value to an old one.",
				async holds() {
					await here.rate("GBP");
					await sleep(TTL_MS + 50);
					return (await bank.silentFor(() => answered(here.rate("GBP")))) === 2;
				},
			},
			{
				title: "nor for a rate that there never was: that ends with TIMEOUT",
				hint: "TODO 3: the option hardTimeout says how long a caller waits for anything at all.",
				async holds() {
					const code = await bank.silentFor(() => answered(here.rate("JPY").catch((error: { code?: string }) => error.code)));
					return code === "TIMEOUT" && (await here.rate("JPY")) === 2;
				},
			},
		];
	});
}
