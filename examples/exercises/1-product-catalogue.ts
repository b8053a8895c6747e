/**
 * Exercise 1: a product catalogue. The shop asks its database for every page. Put a cache before it.
 *
 *     npm run example -- exercises/1-product-catalogue
 *
 * It works as it is, but slowly. Change it until the check says that all is right; see `docs/concepts.md` and `docs/patterns.md`, and
 * `solutions/1-product-catalogue.ts` when you have tried.
 */
import { type Catalogue, checkCatalogue, type Product, type Shop } from "./checks/1-product-catalogue.js";

function createCatalogue(shop: Shop): Catalogue {
	// TODO 1: make a Cache (from "slotwire/cache") on shop.backend. Its entries live for ten minutes, less up to a fifth of that at random, so
	// that what was stored together does not end together.

	return {
		// TODO 2: look in the cache first. That there is no such product may be remembered for a minute.
		async product(id) {
			return await shop.database.product(id);
		},

		// TODO 3: read all of them from the cache at once, and ask the database once for those that are missing.
		async products(ids) {
			const found = new Map<string, Product>();
			for (const id of ids) {
				const product = await shop.database.product(id);
				if (product !== undefined) found.set(id, product);
			}
			return found;
		},
	};
}

await checkCatalogue(createCatalogue);
