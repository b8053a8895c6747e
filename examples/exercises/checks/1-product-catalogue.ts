import type { RedisBackend } from "slotwire/cache";
import { check } from "./report.js";

export interface Product {
	id: string;
	name: string;
	price: number;
}

/** Products 0 to 999 are there. Every call is slow and costs something. */
export interface Database {
	product(id: string): Promise<Product | undefined>;
	/** A product, or undefined, for each id. */
	products(ids: readonly string[]): Promise<(Product | undefined)[]>;
}

export interface Shop {
	backend: RedisBackend;
	database: Database;
}

export interface Catalogue {
	/** Undefined when there is none. */
	product(id: string): Promise<Product | undefined>;
	/** Those that there are, by id. */
	products(ids: readonly string[]): Promise<Map<string, Product>>;
}

const MINUTE = 60_000;

export async function checkCatalogue(create: (shop: Shop) => Catalogue): Promise<void> {
	let calls = 0;
	const database: Database = {
		async product(id) {
			return (await database.products([id]))[0];
		},
		async products(ids) {
			calls += 1;
			return ids.map((id) => (/^\d{1,3}$/.test(id) ? { id, name: `product ${id}`, price: Number(id) + 1 } : undefined));
		},
	};
	/** How often the database is asked meanwhile. */
	const asked = async (work: () => Promise<unknown>): Promise<number> => {
		const before = calls;
		await work();
		return calls - before;
	};
	const range = (from: number, count: number): string[] => Array.from({ length: count }, (_, i) => `${from + i}`);

	await check("exercise-1", 1, ([own]) => {
		const { client, backend } = own!;
		const catalogue = create({ backend, database });
		return [
			{
				title: "product() gives the product",
				hint: "product() has to give what the database has.",
				holds: async () => (await catalogue.product("7"))?.price === 8,
			},
			{
				title: "asked again, it comes from the cache",
				hint: "TODO 1 and 2: make a Cache on shop.backend, and read through its getOrSet().",
				holds: async () => (await asked(() => catalogue.product("7"))) === 0 && (await catalogue.product("7"))?.price === 8,
			},
			{
				title: "entries live for ten minutes at most, and do not all end in the same second",
				hint: "TODO 1: the options ttl and ttlJitter of the cache.",
				async holds() {
					for (const id of range(100, 30)) await catalogue.product(id);
					const names = (await backend.keys()).map((key) => `exercise-1:${key}`);
					const left = await Promise.all(names.map((name) => client.pttl(name)));
					const [least, most] = [Math.min(...left), Math.max(...left)];
					return left.length >= 30 && least > 0 && most <= 10 * MINUTE && most - least > MINUTE / 6;
				},
			},
			{
				title: "a product that there is not is not asked for again and again",
				hint: "TODO 2: a factory that gives undefined says that there is none; the option negativeTtl remembers it.",
				async holds() {
					const first = await catalogue.product("unknown");
					return first === undefined && (await asked(() => catalogue.product("unknown"))) === 0;
				},
			},
			{
				title: "100 new products are one question to the database",
				hint: "TODO 3: getOrSetMany() calls its factory once, with all the keys that are missing.",
				async holds() {
					const ids = range(500, 100);
					let found = new Map<string, Product>();
					const questions = await asked(async () => {
						found = await catalogue.products(ids);
					});
					return questions === 1 && ids.every((id) => found.get(id)?.id === id);
				},
			},
			{
				title: "100 known products are one flight to each server, and no question to the database",
				hint: "TODO 3: one getOrSetMany() for all of them, not one getOrSet() after the other.",
				async holds() {
					const before = client.stats().flights;
					const questions = await asked(() => catalogue.products(range(500, 100)));
					return questions === 0 && client.stats().flights - before <= client.primaries().length;
				},
			},
		];
	});
}
