import assert from "node:assert/strict";
import { test } from "node:test";

import { DER, derElement, derElements } from "./der.ts";

const hex = (text: string) => Buffer.from(text, "hex");

test("derElement() tells content, the whole and the rest", () => {
  const { tag, content, whole, rest } = derElement(hex("020105ff"));
  assert.deepEqual([tag, content.toString("hex"), whole.toString("hex"), rest.toString("hex")], [DER.integer, "05", "020105", "ff"]);
});

test("derElement() reads lengths of several bytes", () => {
  assert.equal(derElement(Buffer.concat([hex("30820100"), Buffer.alloc(256)])).content.length, 256);
});

for (const [bytes, why] of [
  ["", /syntax error/],
  ["30", /syntax error/],
  ["3005ff", /data truncated/],
  ["0500", /tags don't match/],
  ["3080", /syntax error/],
] as const) {
  test(`derElement() refuses ${JSON.stringify(bytes)}`, () => assert.throws(() => derElement(hex(bytes), DER.sequence), why));
}

test("derElements() reads to the end", () => {
  assert.deepEqual(
    derElements(hex("020101020102"), DER.integer).map(({ content }) => content[0]),
    [1, 2],
  );
});
