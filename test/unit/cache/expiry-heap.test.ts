import fc from "fast-check";
import { expect, test } from "vitest";
import { type Expiring, ExpiryHeap } from "../../../src/cache/expiry-heap.js";

test("the first is always the one that ends first, whatever was taken out of the middle", () => {
	const steps = fc.array(fc.oneof(fc.record({ add: fc.nat(1000) }), fc.record({ remove: fc.nat(1000) })), {
		minLength: 50,
		maxLength: 300,
	});
	fc.assert(
		fc.property(steps, (all) => {
			const heap = new ExpiryHeap<Expiring>();
			const items: Expiring[] = [];
			for (const step of all) {
				if ("add" in step) {
					const item = { expiresAt: step.add, place: -1 };
					items.push(item);
					heap.add(item);
				} else if (items.length > 0) {
					const [item] = items.splice(step.remove % items.length, 1);
					heap.remove(item!);
					expect(item!.place).toBe(-1);
					// Whoever has left does not take another one with him.
					heap.remove(item!);
				}
				expect(heap.first?.expiresAt).toBe(items.length === 0 ? undefined : Math.min(...items.map((item) => item.expiresAt)));
			}
			const order: number[] = [];
			for (let first = heap.first; first !== undefined; first = heap.first) {
				order.push(first.expiresAt);
				heap.remove(first);
			}
			expect(order).toEqual(items.map((item) => item.expiresAt).sort((a, b) => a - b));
		}),
	);
});
