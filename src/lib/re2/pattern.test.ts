import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Pattern } from "./pattern.ts";

const piece = fc.constantFrom(
  "a",
  "b",
  ".",
  "[ab]",
  "[^a]",
  "a*",
  "b+?",
  "(?:a|ab)",
  "(a|b)*",
  "a{2,3}",
  "b{0,2}?",
  "\\b",
  "^",
  "$",
  "a??",
  "(?:)",
  "\\w",
  "[^\\s]",
);
const pattern = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(""));

test("Pattern.find() finds what JavaScript's engine finds", () => {
  fc.assert(
    fc.property(pattern, fc.string({ unit: fc.constantFrom("a", "b", "c", " "), maxLength: 12 }), (source, text) => {
      const expected = new RegExp(source, "u").exec(text);
      const found = new Pattern(source).find(text);
      assert.deepEqual(found, expected === null ? undefined : { start: expected.index, end: expected.index + expected[0].length });
    }),
    { numRuns: 2000 },
  );
});

test("Pattern.test() is linear where a backtracking engine is exponential", () => {
  assert.equal(new Pattern("^(a|a?)+$").test(`${"a".repeat(20_000)}b`), false);
});

for (const { source, text, found } of [
  { source: "(?i)straße", text: "STRAßE", found: true },
  { source: "(?i)K", text: "\u212a", found: true },
  { source: "(?s)a.b", text: "a\nb", found: true },
  { source: "a.b", text: "a\nb", found: false },
  { source: "(?m)^b$", text: "a\nb\nc", found: true },
  { source: "^b$", text: "a\nb\nc", found: false },
  { source: "a$", text: "a\n", found: false },
  { source: "\\p{Greek}", text: "λ", found: true },
  { source: "^\\PL$", text: "λ", found: false },
  { source: "^.$", text: "😀", found: true },
  { source: "[😀-😂]", text: "😁", found: true },
  { source: "\\x{1F600}", text: "😀", found: true },
  { source: "\\Qa.b\\E+", text: "a.bb", found: true },
  { source: "[[:^digit:]]", text: "5", found: false },
  { source: "[]a]", text: "]", found: true },
  { source: "a{,2}", text: "a{,2}", found: true },
  { source: "\\101", text: "A", found: true },
  { source: "(?U)a+$", text: "aa", found: true },
  { source: "\\Aab\\z", text: "ab", found: true },
]) {
  test(`Pattern.test() of ${source} in ${JSON.stringify(text)} is ${found}`, () => assert.equal(new Pattern(source).test(text), found));
}

for (const { source, message } of [
  { source: "(", message: "missing closing ): `(`" },
  { source: "a)", message: "unexpected ): `a)`" },
  { source: "[a", message: "missing closing ]: `[a`" },
  { source: "*", message: "missing argument to repetition operator: `*`" },
  { source: "a**", message: "invalid nested repetition operator: `**`" },
  { source: "a{1001}", message: "invalid repeat count: `{1001}`" },
  { source: "[z-a]", message: "invalid character class range: `z-a`" },
  { source: "\\", message: "trailing backslash at end of expression: ``" },
  { source: "(a)\\1", message: "invalid escape sequence: `\\1`" },
  { source: "(?=a)", message: "invalid or unsupported Perl syntax: `(?=`" },
  { source: "\\p{Foo}", message: "invalid character class range: `\\p{Foo}`" },
]) {
  test(`Pattern() refuses ${source} in Go's words`, () => {
    assert.throws(() => new Pattern(source), { message: `error parsing regexp: ${message}` });
  });
}

test("Pattern.findAll() leaves out an empty occurrence right behind another", () => {
  assert.deepEqual(new Pattern("a*").findAll("baac"), [
    { start: 0, end: 0 },
    { start: 1, end: 3 },
    { start: 4, end: 4 },
  ]);
});
