import { describe, expect, test } from "vitest";
import { resolveSerializer } from "../../../src/cache/serializer.js";
import { thrown } from "../../support/thrown.js";

describe("values as bytes", () => {
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
