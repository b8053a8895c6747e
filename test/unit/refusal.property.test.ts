import fc from "fast-check";
import { expect, test } from "vitest";
import { formatEndpoint } from "../../src/endpoint.js";
import { parseRedirection, resolveRedirection } from "../../src/refusal.js";

const origin = { host: "10.0.0.1", port: 7000 };
const kind = fc.constantFrom("MOVED", "ASK");
const slot = fc.nat(16_383);
const port = fc.integer({ min: 1, max: 65_535 });
const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());

test("D08 a redirection is read for its slot and address: IPv4, IPv6 bare or in brackets, a name", () => {
	fc.assert(
		fc.property(kind, slot, host, port, fc.boolean(), (kind, slot, host, port, brackets) => {
			const address = brackets ? formatEndpoint({ host, port }) : `${host}:${port}`;
			expect(parseRedirection(`${kind} ${slot} ${address}`)).toEqual({ slot, host, port });
		}),
		{ numRuns: 500 },
	);
});

test("D13 D14 a redirection without a host leads to who answered, one to nobody knows where leads nowhere", () => {
	fc.assert(
		fc.property(slot, port, (slot, port) => {
			expect(resolveRedirection(parseRedirection(`MOVED ${slot} :${port}`)!, origin)).toEqual({ host: origin.host, port });
			expect(resolveRedirection(parseRedirection(`ASK ${slot} ?:${port}`)!, origin)).toBeNull();
		}),
		{ numRuns: 100 },
	);
});

test("D12 it is one only when its slot and its port exist", () => {
	const around = (...edges: number[]) => fc.oneof(fc.nat(99_999), fc.constantFrom(...edges));
	fc.assert(
		fc.property(kind, around(16_383, 16_384), host, around(0, 1, 65_535, 65_536), (kind, slot, host, port) => {
			const exists = slot < 16_384 && port > 0 && port < 65_536;
			expect(parseRedirection(`${kind} ${slot} ${host}:${port}`)).toEqual(exists ? { slot, host, port } : null);
		}),
		{ numRuns: 500 },
	);
});

test("D12 any other line is no redirection, or one to a slot and a port that exist", () => {
	const word = fc.oneof(
		fc.constantFrom("MOVED", "ASK", "", " ", "-1", "1e3", "0x10", "99999", "16384", ":", "::", "[", "]", "\r", "\t", "?"),
		fc.string({ maxLength: 8 }),
		fc.nat(70_000).map(String),
		host,
	);
	fc.assert(
		fc.property(fc.array(word, { maxLength: 5 }), fc.constantFrom(" ", ":", "  "), port, (words, joint, port) => {
			for (const line of [words.join(joint), `MOVED ${words.join(joint)}:${port}`]) {
				const target = parseRedirection(line);
				if (target === null) continue;
				expect(target.slot).toBeLessThan(16_384);
				expect([target.port > 0, target.port < 65_536]).toEqual([true, true]);
				expect(target.host).not.toMatch(/\s/);
			}
		}),
		{ numRuns: 2000 },
	);
});
