/** A solution of exercise 1. */
import { Cache } from "slotwire/cache";
import { type Catalogue, checkCatalogue, type Shop } from "../checks/1-product-catalogue.js";

function createCatalogue({ backend, database }: Shop): Catalogue {
	const cache = new Cache({ backend, ttl: "10m", ttlJitter: 0.2, negativeTtl: "1m" });
	// The keys of the cache are the ids themselves: the backend's prefix keeps them apart from all others.
	return {
		product: (id) => cache.getOrSet(id, () => database.product(id)),
		products: (ids) => cache.getOrSetMany(ids, (missing) => database.products(missing)),
	};
}

await checkCatalogue(createCatalogue);
