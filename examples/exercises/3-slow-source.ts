/**
 * Exercise 3: protect a slow source. The rates come from a bank that is slow, sometimes fails, and wants money for each call. The cache below
 * is the kind that everybody writes first. Find out what is wrong with it.
 *
 *     npm run example -- exercises/3-slow-source
 *
 * See "Stampedes" and "When the source is slow or fails" in `docs/patterns.md`, and `solutions/3-slow-source.ts` when you have tried.
 */
import { Cache } from "slotwire/cache";
import { checkRates, type Rates, type Setup } from "./checks/3-slow-source.js";

function createRates({ backend, bank, ttl }: Setup): Rates {
	// TODO 2: keep old rates for an hour, for when the bank fails.
	// TODO 3: wait for the bank 100 ms when there is an old rate, and a second when there is none.
	const cache = new Cache({ backend, ttl });
	return {
		async rate(currency) {
			// TODO 1: all who come between get() and set() ask the bank as well. Which method does both in one?
			const known = await cache.get<number>(currency);
			if (known !== undefined) return known;
			const rate = await bank.rate(currency);
			await cache.set(currency, rate);
			return rate;
		},
	};
}

await checkRates(createRates);
