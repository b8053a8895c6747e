/**
 * Exercise 2: prices change. The cache below is right until somebody calls update(). Make it right after that, too.
 *
 *     npm run example -- exercises/2-prices-that-change
 *
 * See "Tags" in `docs/patterns.md`, and `solutions/2-prices-that-change.ts` when you have tried.
 */
import { Cache } from "slotwire/cache";
import { checkPrices, type Prices, type Shop } from "./checks/2-prices-that-change.js";

function createPrices({ backend, database }: Shop): Prices {
	const cache = new Cache({ backend, ttl: "10m" });
	return {
		// TODO 1: say what each of these two entries depends on, by tags.
		item: (id) => cache.getOrSet(`item:${id}`, () => database.item(id)),
		category: (name) => cache.getOrSet(`category:${name}`, () => database.category(name)),

		// TODO 2: the item's entry is ended, but too early, and the list of its category is forgotten.
		async update(item) {
			await cache.delete(`item:${item.id}`);
			await database.save(item);
		},
	};
}

await checkPrices(createPrices);
