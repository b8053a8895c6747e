import type { RedisBackend } from "slotwire/cache";
import { check } from "./report.js";

export interface Item {
	id: string;
	category: string;
	price: number;
}

export interface Database {
	item(id: string): Promise<Item | undefined>;
	category(name: string): Promise<Item[]>;
	save(item: Item): Promise<void>;
}

export interface Shop {
	backend: RedisBackend;
	database: Database;
}

export interface Prices {
	item(id: string): Promise<Item | undefined>;
	category(name: string): Promise<Item[]>;
	/** When it is done, nobody who asks gets an old price, from any process. */
	update(item: Item): Promise<void>;
}

/** A database whose answers and whose writes can be held up. */
class SlowDatabase implements Database {
	readonly items = new Map<string, Item>();
	calls = 0;
	/** What is waited for before an answer is given that was read already, */
	beforeAnswer: Promise<void> | null = null;
	/** and before a write is seen. */
	beforeSave: (() => Promise<void>) | null = null;

	async item(id: string): Promise<Item | undefined> {
		return await this.#answer(this.items.get(id));
	}

	async category(name: string): Promise<Item[]> {
		return await this.#answer([...this.items.values()].filter(({ category }) => category === name));
	}

	async save(item: Item): Promise<void> {
		await this.beforeSave?.();
		this.items.set(item.id, item);
	}

	async #answer<T>(read: T): Promise<T> {
		this.calls += 1;
		await this.beforeAnswer;
		return read;
	}
}

export async function checkPrices(create: (shop: Shop) => Prices): Promise<void> {
	const database = new SlowDatabase();
	for (const [id, category] of ["cups", "cups", "pots", "pots"].entries()) {
		database.items.set(`${id}`, { id: `${id}`, category, price: 10 });
	}
	await check("exercise-2", 2, ([first, second]) => {
		const [here, there] = [first!, second!].map(({ backend }) => create({ backend, database })) as [Prices, Prices];
		const priceOf = async (shop: Prices, id: string) => (await shop.item(id))?.price;
		const listed = async (shop: Prices, id: string) =>
			(await shop.category(database.items.get(id)!.category)).find((item) => item.id === id)?.price;
		const cost = (id: string, price: number): Item => ({ ...database.items.get(id)!, price });
		return [
			{
				title: "items and categories are cached, in one process as in the other",
				hint: "getOrSet() in item() and category() was right; keep it.",
				async holds() {
					const right = (await priceOf(here, "0")) === 10 && (await listed(here, "0")) === 10 && (await listed(here, "2")) === 10;
					const before = database.calls;
					return right && (await priceOf(there, "0")) === 10 && (await listed(there, "0")) === 10 && database.calls === before;
				},
			},
			{
				title: "after an update the item has its new price in both processes",
				hint: "TODO 2: end the item's entry in the cache.",
				async holds() {
					await here.update(cost("0", 11));
					return (await priceOf(here, "0")) === 11 && (await priceOf(there, "0")) === 11;
				},
			},
			{
				title: "and so does the list of its category",
				hint: "TODO 1 and 2: give both entries tags, and end those that name the item and its category with invalidateTags().",
				holds: async () => (await listed(here, "0")) === 11 && (await listed(there, "0")) === 11,
			},
			{
				title: "other categories stay cached",
				hint: "TODO 1: a tag for each category, not one for everything.",
				async holds() {
					await here.category("pots");
					await here.update(cost("1", 12));
					const before = database.calls;
					await there.category("pots");
					return database.calls === before && (await listed(there, "1")) === 12;
				},
			},
			{
				title: "who reads while the database still writes leaves no old price behind",
				hint: "TODO 2: what is read before the write is done is old. End the entries after it.",
				async holds() {
					database.beforeSave = async () => {
						database.beforeSave = null;
						await Promise.all([there.item("1"), there.category("cups")]);
					};
					await here.update(cost("1", 13));
					return (await priceOf(there, "1")) === 13 && (await listed(there, "1")) === 13 && (await priceOf(here, "1")) === 13;
				},
			},
			{
				title: "who read before the write, and is slow, leaves none behind either",
				hint: "TODO 1: tags get their version before the factory runs. getOrSet() sees to that, a set() of your own does not.",
				async holds() {
					await here.update(cost("3", 20));
					let answer = (): void => {};
					database.beforeAnswer = new Promise((resolve) => {
						answer = resolve;
					});
					const before = database.calls;
					let answered = 0;
					const slow = [there.item("3"), there.category("pots")].map((asking) =>
						asking.finally(() => {
							answered += 1;
						}),
					);
					while (database.calls + answered < before + 2) await new Promise((resolve) => setTimeout(resolve, 5));
					database.beforeAnswer = null;
					await here.update(cost("3", 21));
					answer();
					await Promise.all(slow);
					return (await priceOf(there, "3")) === 21 && (await listed(there, "3")) === 21 && (await priceOf(here, "3")) === 21;
				},
			},
		];
	});
}
