import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { encodeHeaders, type OutgoingHeaders } from "./header-encoder.ts";
import { HeaderDecoder } from "./hpack.ts";

const LIMIT = 65_536;
const ROOM = 9;

const decoded = (block: Buffer) => new HeaderDecoder().decode(block, LIMIT)!.map(({ name, value }) => [name, value]);

test("encodeHeaders() writes what HeaderDecoder.decode() reads", () => {
  const long = "x".repeat(10_000);
  const block = encodeHeaders(418, { "Content-Type": "text/plain", "x-many": ["a", "b"], "content-length": 7, gone: undefined, "x-long": long }, "today");
  assert.deepEqual(decoded(block), [
    [":status", "418"],
    ["date", "today"],
    ["content-type", "text/plain"],
    ["x-many", "a"],
    ["x-many", "b"],
    ["content-length", "7"],
    ["x-long", long],
  ]);
});

/** Of few names and values, so that many begin alike. */
const headers = fc
  .array(fc.tuple(fc.constantFrom("cache-control", "content-type", "x-a", "x-b", "content-length"), fc.constantFrom("", "1", "two")), { maxLength: 6 })
  .map((entries): OutgoingHeaders => Object.fromEntries(entries));

test("encodeHeaders() writes the same whatever it wrote before", () => {
  const answer = fc.record({ status: fc.constantFrom(200, 201, 429), headers, date: fc.constantFrom("today", "tomorrow") });
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 30 }), (answers) => {
      for (const { status, headers: given, date } of answers) {
        const block = encodeHeaders(status, given, date, ROOM);
        assert.deepEqual(decoded(block.subarray(ROOM)), [[":status", String(status)], ["date", date], ...Object.entries(given)]);
      }
    }),
    { numRuns: 300 },
  );
});
