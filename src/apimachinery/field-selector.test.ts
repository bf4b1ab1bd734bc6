import assert from "node:assert/strict";
import { test } from "node:test";

import { parseFieldSelector } from "./field-selector.ts";

test("FieldSelector.matches() compares, an absent field as empty", () => {
  const selector = parseFieldSelector("status.phase!=Running,metadata.name=a");
  assert.equal(selector.matches({ "metadata.name": "a", "status.phase": "Pending" }), true);
  assert.equal(selector.matches({ "metadata.name": "a", "status.phase": "Running" }), false);
  assert.equal(selector.matches({ "metadata.name": "b" }), false);
  assert.equal(selector.exactValue("metadata.name"), "a");
  assert.equal(selector.exactValue("status.phase"), undefined);
});

test("parseFieldSelector() undoes toString()", () => {
  const text = String.raw`a=x\,y\=z\\`;
  const selector = parseFieldSelector(text);
  assert.equal(selector.exactValue("a"), String.raw`x,y=z\ `.trim());
  assert.equal(selector.toString(), text);
});

for (const [text, message] of [
  ["metadata.name", "invalid selector: 'metadata.name'; can't understand 'metadata.name'"],
  ["a=b\\", "invalid field selector: invalid escape sequence: \\"],
  ["a=b\\x", "invalid field selector: invalid escape sequence: \\x"],
  ["a===b", "invalid field selector: unescaped character in value: 61"],
] as const) {
  test(`parseFieldSelector() refuses ${text}`, () => assert.throws(() => parseFieldSelector(text), { message }));
}
