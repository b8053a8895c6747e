/** A solution of exercise 3. */
import { Cache } from "slotwire/cache";
import { checkRates, type Rates, type Setup } from "../checks/3-slow-source.js";

function createRates({ backend, bank, ttl }: Setup): Rates {
	const cache = new Cache({ backend, ttl, grace: "1h", timeout: "100ms", hardTimeout: "1s" });
	return { rate: (currency) => cache.getOrSet(currency, () => bank.rate(currency)) };
}

await checkRates(createRates);
