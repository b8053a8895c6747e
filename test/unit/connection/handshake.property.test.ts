import fc from "fast-check";
import { expect, test } from "vitest";
import { followUps, type HandshakeOptions, readHello } from "../../../src/connection/handshake.js";
import { ClientError, ReplyError } from "../../../src/errors.js";
import type { Reply } from "../../../src/resp/reply.js";
import { resp3Tree } from "../../support/reply-trees.js";

const SECRET = "sekret";
const options = fc.record<HandshakeOptions>({
	node: fc.constant("10.0.0.1:6379"),
	protocol: fc.constantFrom(2, 3),
	credentials: fc.constantFrom(undefined, { username: "alice", password: SECRET }, { password: SECRET }),
	name: fc.constantFrom(undefined, "worker"),
	database: fc.constantFrom(0, 7),
	mode: fc.constantFrom("standalone", "cluster"),
	readOnly: fc.boolean(),
});

const error = fc
	.tuple(
		fc.constantFrom("NOPROTO", "NOAUTH", "WRONGPASS", "NOPERM", "DENIED", "ERR", "LOADING", ""),
		fc.string({ maxLength: 10 }),
	)
	.map(([code, text]) => new ReplyError(`${code} ${text} ${SECRET}`));
const tree = resp3Tree.map(({ text }) => text);
const field = fc.constantFrom("proto", "mode", "id", "role");
const value = fc.oneof(
	fc.constantFrom<Reply>(2, 3, 3n, "3", "cluster", "standalone", "sentinel", null, [3], Number.NaN, [[]]),
	tree,
);
const hello = fc.oneof(
	tree,
	error,
	fc.array(fc.tuple(field, value), { maxLength: 5 }).map((fields) => new Map<Reply, Reply>(fields)),
	fc.array(fc.tuple(field, value), { maxLength: 5 }).map((fields) => fields.flat() as Reply[]),
);

/** What the handshake came to: a protocol, or the code of its error. */
function verdictOf(replies: readonly Reply[], options: HandshakeOptions): string {
	try {
		const verdict = readHello(replies[0] as Reply, options);
		for (const [index, step] of followUps(verdict, options).entries()) step.accept(replies[index + 1] as Reply);
		return verdict === "fallback" ? verdict : `protocol ${verdict.protocol}`;
	} catch (error) {
		if (!(error instanceof ClientError)) throw error;
		expect(error.message).not.toContain(SECRET);
		return error.code;
	}
}

test("C01 C02 any replies make a connection of the protocol that was asked for, or an error that tells no secret", () => {
	const seen = new Set<string>();
	fc.assert(
		fc.property(hello, fc.array(fc.oneof(error, tree), { minLength: 8, maxLength: 8 }), options, (first, others, options) => {
			const verdict = verdictOf([first, ...others], options);
			expect([`protocol ${options.protocol}`, "fallback", "AUTH", "CLUSTER", "CONNECTION", "PROTOCOL"]).toContain(verdict);
			seen.add(verdict);
		}),
		// The fuzzer draws anew each time; here every outcome is to be seen.
		{ numRuns: 2000, seed: 1 },
	);
	expect([...seen]).toEqual(expect.arrayContaining(["fallback", "AUTH", "CLUSTER", "CONNECTION", "PROTOCOL"]));
});
