/** A solution of exercise 2. */
import { Cache } from "slotwire/cache";
import { checkPrices, type Prices, type Shop } from "../checks/2-prices-that-change.js";

function createPrices({ backend, database }: Shop): Prices {
	const cache = new Cache({ backend, ttl: "10m" });
	return {
		item: (id) => cache.getOrSet(`item:${id}`, () => database.item(id), { tags: [`item:${id}`] }),
		category: (name) => cache.getOrSet(`category:${name}`, () => database.category(name), { tags: [`category:${name}`] }),
		async update(item) {
			await database.save(item);
			// From here on whoever reads the database reads the new price; whatever was read before is ended, stored or not.
			await cache.invalidateTags(`item:${item.id}`, `category:${item.category}`);
		},
	};
}

await checkPrices(createPrices);
