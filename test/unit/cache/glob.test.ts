import fc from "fast-check";
import { expect, test } from "vitest";
import { escapeGlob, globMatcher } from "../../../src/cache/glob.js";

test.each([
	["*", ["", "a", "a\nb", "ü"], []],
	["", [""], ["a"]],
	["**", ["a"], [""]],
	["a**", ["a", "ab"], ["b", ""]],
	["a*", ["a", "ab", "a*"], ["ba", "", "A"]],
	["*a", ["a", "ba", "aa", "baba"], ["ab", ""]],
	["*a*b*", ["ab", "xaxbx", "aab"], ["ba", "a"]],
	["h?llo", ["hello", "h?llo"], ["hllo", "heello"]],
	["??", ["ab", "ü"], ["a", "abc"]],
	["h[ae]llo", ["hallo", "hello"], ["hillo", "hllo", "h[ae]llo"]],
	["h[^e]llo", ["hallo", "h^llo"], ["hello", "hllo"]],
	["[a-c]", ["a", "b", "c"], ["d", "-", ""]],
	["[c-a]", ["a", "b", "c"], ["d", "-"]],
	["[a-ce]", ["b", "e"], ["d"]],
	["[abc", ["a", "c"], ["d", "[abc"]],
	["[a-c", ["b"], ["d", "-"]],
	["[", [], ["[", "a", ""]],
	["[^", ["a", "["], ["", "ab"]],
	["[]", [], ["]", "[]", ""]],
	["[]a]", [], ["]", "a", "a]"]],
	["[^]", ["a", "]"], ["", "^]"]],
	["[-a]", ["-", "a"], ["b"]],
	// The bracket is the end of the range, and the set is never closed.
	["[a-]", ["]", "^", "_", "`", "a"], ["-", "b"]],
	["[a-]x]", ["x", "]"], ["-", "ax"]],
	["[\\]]", ["]"], ["\\", "\\]"]],
	["[\\a-c]", ["a", "-", "c"], ["b", "\\"]],
	["[a\\-c]", ["a", "-", "c"], ["b", "\\"]],
	["[a^]", ["a", "^"], ["b"]],
	["[\\^a]", ["a", "^"], ["b"]],
	["[\\", ["\\"], ["a"]],
	["\\*", ["*"], ["a", "\\*", ""]],
	["\\?\\[\\\\", ["?[\\"], ["a[\\"]],
	["\\a", ["a"], ["\\a"]],
	["a\\", ["a\\"], ["a"]],
	["*[ab]?c", ["xxbyc", "aac"], ["xbc"]],
	// Bytes beyond ASCII come before it.
	["[a-ü]", ["A", "a", "-"], ["b", "z"]],
	["ä*", ["ä", "ä1"], ["ö"]],
] as const)("C3 the pattern %j matches %j and not %j", (pattern, matching, other) => {
	const matcher = globMatcher(pattern);
	expect(matching.filter((text) => !matcher(text))).toEqual([]);
	expect(other.filter((text) => matcher(text))).toEqual([]);
});

test("C3 stars that a text almost matches cost no more than its length by theirs", () => {
	const matcher = globMatcher(`${"a*".repeat(2000)}b`);
	expect(matcher("a".repeat(20_000))).toBe(false);
	expect(matcher(`${"a".repeat(20_000)}b`)).toBe(true);
});

test("C3 what escapeGlob gives means the text and nothing else", () => {
	const texts = fc.string({ unit: fc.constantFrom(..."*?[]^\\-ab:{}", "ü", "😀"), minLength: 1 });
	fc.assert(
		fc.property(texts, texts, (text, other) => {
			const matcher = globMatcher(escapeGlob(text));
			expect(matcher(text)).toBe(true);
			expect(matcher(other)).toBe(text === other);
			expect(globMatcher(`${escapeGlob(text)}*`)(text + other)).toBe(true);
		}),
	);
});
