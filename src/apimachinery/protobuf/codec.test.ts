import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { decodeMessage, encodeMessage, type ProtoTable } from "./codec.ts";

const TABLE: ProtoTable = {
  messages: {
    Outer: {
      fields: [
        { name: "text", number: 1, type: "string" },
        { name: "count", number: 2, type: "int64" },
        { name: "flags", number: 3, type: "bool", repeated: true },
        { name: "labels", number: 4, type: "string", mapKey: "string" },
        { name: "inner", number: 5, type: "Inner" },
        { name: "inners", number: 20, type: "Inner", repeated: true },
        { name: "ratio", number: 21, type: "double" },
        { name: "raw", number: 22, type: "bytes" },
      ],
    },
    Inner: { fields: [{ name: "id", number: 1, type: "uint32" }] },
    Empty: { fields: [] },
  },
};

test("encodeMessage() writes proto3's bytes", () => {
  const bytes = encodeMessage(TABLE, "Outer", { text: "hi", count: -1, inner: { id: 150 } });
  assert.equal(Buffer.from(bytes).toString("hex"), "0a02686910ffffffffffffffffff012a03089601");
});

test("encodeMessage() leaves defaults and absent values out, but keeps an empty message", () => {
  assert.equal(Buffer.from(encodeMessage(TABLE, "Outer", { text: "", count: 0, flags: [], inner: {} })).toString("hex"), "2a00");
});

test("decodeMessage() fills defaults and skips unknown fields", () => {
  const unknown = encodeMessage(TABLE, "Outer", { text: "x", labels: { a: "b" } });
  assert.deepEqual(decodeMessage(TABLE, "Empty", unknown), {});
  assert.deepEqual(decodeMessage(TABLE, "Inner", new Uint8Array()), { id: 0 });
});

test("decodeMessage() refuses bytes that end inside a field", () => {
  assert.throws(() => decodeMessage(TABLE, "Outer", Uint8Array.of(0x0a, 5, 65)), RangeError);
});

test("decodeMessage() gives back what encodeMessage() was given", () => {
  const inner = fc.record({ id: fc.nat(0xffff_ffff) }, { noNullPrototype: true });
  const shape = {
    text: fc.string({ unit: "grapheme" }),
    count: fc.maxSafeInteger(),
    flags: fc.array(fc.boolean()),
    labels: fc.dictionary(
      fc.string().filter((key) => key !== "__proto__"),
      fc.string(),
      { noNullPrototype: true },
    ),
    inner,
    inners: fc.array(inner),
    ratio: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value)),
    raw: fc.uint8Array(),
  };
  const outer = fc.record(shape, { noNullPrototype: true });
  fc.assert(
    fc.property(outer, (value) => {
      const decoded = decodeMessage<typeof value>(TABLE, "Outer", encodeMessage(TABLE, "Outer", value));
      assert.deepEqual({ ...decoded, raw: [...decoded.raw] }, { ...value, raw: [...value.raw] });
    }),
  );
});
