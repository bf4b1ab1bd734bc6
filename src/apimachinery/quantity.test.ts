import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { addQuantities, canonicalQuantity, compareQuantities, formatQuantity, milliValue, parseQuantity, wholeValue } from "./quantity.ts";

for (const [text, want] of [
  ["0", "0"],
  ["100m", "100m"],
  ["1000m", "1"],
  ["1500m", "1500m"],
  ["0.5", "500m"],
  ["1.5Gi", "1536Mi"],
  ["1024Ki", "1Mi"],
  ["100Mi", "100Mi"],
  ["1000Mi", "1000Mi"],
  ["1e3", "1e3"],
  ["12e6", "12e6"],
  ["10000", "10k"],
  ["0.1n", "1n"],
  ["-1000m", "-1"],
  ["+5", "+5"],
  ["  2 ", "2"],
  ["0.5Ki", "512"],
  ["0.0001Ki", "102400u"],
  ["9223372036854775807", "9223372036854775807"],
  ["100000000000000000000", "100E"],
] as const) {
  test(`canonicalQuantity() writes ${JSON.stringify(text)} as ${want}`, () => assert.equal(canonicalQuantity(text), want));
}

for (const text of ["", "x", "1.2.3", "1 Gi", "--1", "1Gi2x"]) {
  test(`parseQuantity() refuses ${JSON.stringify(text)}`, () => assert.throws(() => parseQuantity(text), { name: "QuantityError" }));
}

test("parseQuantity() tells an unknown suffix from a wrong form", () => {
  assert.throws(() => parseQuantity("1kk"), { message: "unable to parse quantity's suffix" });
});

test("milliValue() and wholeValue() round away from zero", () => {
  assert.equal(milliValue("100m"), 100);
  assert.equal(milliValue("1u"), 1);
  assert.equal(wholeValue("1.5"), 2);
  assert.equal(wholeValue("-1.5"), -2);
  assert.equal(wholeValue("1Gi"), 1_073_741_824);
});

test("addQuantities() keeps the notation of the first, unless that is zero", () => {
  assert.equal(formatQuantity(addQuantities(parseQuantity("1Gi"), parseQuantity("1M"))), "1074741824");
  assert.equal(formatQuantity(addQuantities(parseQuantity("0"), parseQuantity("1Gi"))), "1Gi");
});

const someQuantity = fc.tuple(fc.integer({ min: -100_000, max: 100_000 }), fc.constantFrom("", "m", "u", "n", "k", "M", "Ki", "Mi", "Gi", "e3", "E"));

test("formatQuantity() keeps the value and settles", () => {
  fc.assert(
    fc.property(someQuantity, ([value, suffix]) => {
      const quantity = parseQuantity(`${value}${suffix}`);
      const text = formatQuantity({ ...quantity, text: undefined });
      assert.equal(compareQuantities(parseQuantity(text), quantity), 0);
      assert.equal(formatQuantity({ ...parseQuantity(text), text: undefined }), text);
    }),
  );
});

test("addQuantities() of the opposite gives back what was there", () => {
  fc.assert(
    fc.property(someQuantity, someQuantity, ([a, s], [b, t]) => {
      const x = parseQuantity(`${a}${s}`);
      const y = parseQuantity(`${b}${t}`);
      assert.equal(compareQuantities(addQuantities(addQuantities(x, y), { ...y, digits: -y.digits }), x), 0);
    }),
  );
});
