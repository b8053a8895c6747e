import { describe, expect, test } from "vitest";
import { resolveSerializer } from "../../../src/cache/serializer.js";
import { everythingOf } from "../../support/secrets.js";

const json = resolveSerializer("json");
const thrown = (call: () => unknown): unknown => {
	try {
		call();
	} catch (error) {
		return error;
	}
	throw new Error("nothing was thrown");
};

describe("values as bytes", () => {
	test.each([null, 0, "", false, "ü", [1, [2]], { a: { b: null } }])("S2.2 as JSON: %o comes back", (value) => {
		expect(json.decode(Buffer.from(json.encode(value)))).toEqual(value);
		expect(resolveSerializer(undefined)).toBe(json);
	});

	const cycle: Record<string, unknown> = { hunter2: 1 };
	cycle.hunter2 = cycle;
	const throwing = {
		toJSON() {
			throw new Error("hunter2");
		},
	};
	const revoked = Proxy.revocable({}, {});
	revoked.revoke();
	test.each([
		["a cycle", cycle],
		["a bigint", { n: 1n }],
		["a function", () => {}],
		["a symbol", Symbol("hunter2")],
		["a toJSON that throws", throwing],
		["a proxy that is no more", revoked.proxy],
	])("S2.2 JSON cannot say %s: INVALID_ARGUMENT without the value", (_what, value) => {
		const error = thrown(() => json.encode(value));
		expect(error).toMatchObject({ code: "INVALID_ARGUMENT", index: 1, message: expect.stringMatching(/JSON/) });
		expect(everythingOf(error)).not.toContain("hunter2");
	});

	test("S2.2 bytes as they are, and nothing else", () => {
		const bytes = resolveSerializer("bytes");
		const value = Buffer.from([0, 255, 10]);
		expect(bytes.decode(Buffer.from(bytes.encode(value)))).toEqual(value);
		for (const other of ["text", {}, null, 1, [1]]) {
			expect(thrown(() => bytes.encode(other))).toMatchObject({ code: "INVALID_ARGUMENT", index: 1 });
		}
	});

	test.each(["xml", {}, null, 1, { encode() {} }])("S2.2 %o is no serializer", (serializer) => {
		expect(thrown(() => resolveSerializer(serializer))).toMatchObject({ code: "INVALID_OPTION", field: "serializer" });
	});
});
