import generateSlot from "cluster-key-slot";
import { keySlot } from "../../src/slot.js";
import type { Suite } from "./suite.js";

const KEYS = 256;

function suite<K extends string | Buffer>(name: string, key: (i: number) => K): () => Suite {
	return () => {
		const keys = Array.from({ length: KEYS }, (_, i) => key(i));
		return {
			name: `slot ${name}`,
			operations: KEYS,
			cases: [
				{
					name: "cluster-key-slot",
					run: () => {
						for (const key of keys) generateSlot(key);
					},
				},
				{
					name: "keySlot",
					run: () => {
						for (const key of keys) keySlot(key);
					},
				},
			],
		};
	};
}

export const slotSuites: (() => Suite)[] = [
	suite("short key", (i) => `user:${1000 + i}`),
	suite("long key", (i) => `tenant-0042:profile:${1000 + i}:attributes:v3:${"x".repeat(80)}`),
	suite("tagged key", (i) => `tenant-0042:{user:${1000 + i}}:attributes:v3`),
	suite("non-ASCII key", (i) => `käufer:${1000 + i}:größe`),
	suite("short Buffer key", (i) => Buffer.from(`user:${1000 + i}`)),
	suite("tagged Buffer key", (i) => Buffer.from(`tenant-0042:{user:${1000 + i}}:attributes:v3`)),
];
