import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { readJson } from "./json-reader.ts";
import { parseJson } from "./json.ts";

for (const [text, want] of [
  ["", "unexpected end of JSON input"],
  ['{"a":', "unexpected end of JSON input"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ["{'a':1}", "invalid character '\\'' looking for beginning of object key string"],
  ["{} x", "invalid character 'x' after top-level value"],
  ["\ufeff{}", "invalid character 'ï' looking for beginning of value"],
  ['{"a":"\\x"}', "invalid character 'x' in string escape code"],
  ['{"a":007}', "invalid character '0' after object key:value pair"],
  ['{"a":NaN}', "invalid character 'N' looking for beginning of value"],
  ["[1 2]", "invalid character '2' after array element"],
  ["tru", "unexpected end of JSON input"],
  ["trux", "invalid character 'x' in literal true (expecting 'e')"],
  ['"a\nb"', "invalid character '\\n' in string literal"],
  ["[".repeat(10_001), "invalid character '[' exceeded max depth"],
] as const) {
  test(`parseJson() says ${want} of ${text.slice(0, 20)}`, () => assert.throws(() => parseJson(text), { message: want }));
}

test("parseJson() names members that come again, the last of which counts", () => {
  const { value, duplicates } = parseJson('{"data":{"x":1,"y":2,"x":3},"l":[{"a":1,"a":2}]}');
  assert.deepEqual(value, { data: { x: 3, y: 2 }, l: [{ a: 2 }] });
  assert.deepEqual(duplicates, ["data.x", "l[0].a"]);
});

test("parseJson() keeps __proto__ as a member of its own", () => {
  const { value } = parseJson('{"__proto__":{"a":1},"__proto__":{"b":1}}');
  assert.ok(Object.hasOwn(value as object, "__proto__"));
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
});

test("parseJson() replaces lone surrogates", () => assert.equal(parseJson('"\\ud83d"').value, "\ufffd"));

test("readJson() reads what JSON.parse reads", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value, null, 1);
      assert.deepEqual(readJson(text).value, JSON.parse(text));
      assert.deepEqual(parseJson(text).value, JSON.parse(text));
      assert.deepEqual(parseJson(text).duplicates, []);
    }),
  );
});
