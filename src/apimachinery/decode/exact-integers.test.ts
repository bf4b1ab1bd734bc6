import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { exactInteger, parseExactly, withExactIntegers } from "./exact-integers.ts";
import { parseJson } from "./json.ts";
import { parseYaml } from "./yaml.ts";

for (const [literal, want] of [
  ["9007199254740991", undefined],
  ["9007199254740993", 9007199254740993n],
  ["-9007199254740993", -9007199254740993n],
  ["9223372036854775807", 2n ** 63n - 1n],
  ["-9223372036854775808", -(2n ** 63n)],
  ["9223372036854775808", undefined],
  ["1e20", undefined],
  ["9007199254740993.5", undefined],
] as const) {
  test(`exactInteger() takes ${literal} for ${want}`, () => assert.equal(exactInteger(literal), want));
}

test("integers of 64 bits go through JSON and YAML without loss", () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), fc.string(), (numbers, text) => {
      const json = `{"list":[${numbers.join(",")}],"text":${JSON.stringify(text)},"in":{"n":${numbers[0] ?? 0}}}`;
      const want = JSON.stringify({ list: numbers, text: text.toWellFormed(), in: { n: numbers[0] ?? 0 } });
      assert.equal(JSON.stringify(parseExactly(json)), want);
      for (const { value, notes } of [parseJson(json), parseYaml(json)]) assert.equal(JSON.stringify(withExactIntegers(value, notes)), want);
    }),
  );
});
