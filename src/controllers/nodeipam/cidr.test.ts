import assert from "node:assert/strict";
import { test } from "node:test";

import { firstFree, formatCidr, parseCidr } from "#controllers/nodeipam/cidr.ts";

for (const { taken, want } of [
  { taken: [], want: "10.42.0.0/24" },
  { taken: ["10.42.0.0/24", "10.42.2.0/24"], want: "10.42.1.0/24" },
  { taken: ["10.42.0.0/23"], want: "10.42.2.0/24" },
  { taken: ["10.42.0.0/16"], want: undefined },
  { taken: ["10.99.0.0/24"], want: "10.42.0.0/24" },
]) {
  test(`firstFree() gives ${want} beside [${taken.join()}]`, () => {
    const free = firstFree(parseCidr("10.42.0.0/16"), 24, taken.map(parseCidr));
    assert.equal(free && formatCidr(free), want);
  });
}

test("parseCidr() refuses what is no range", () => {
  for (const text of ["10.42.0.0", "10.42.0.0/33", "10.300.0.0/16", "fd00::/64"]) assert.throws(() => parseCidr(text), RangeError);
});
