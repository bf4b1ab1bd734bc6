import assert from "node:assert/strict";
import { test } from "node:test";

import { addressAt, firstFree, formatCidr, overlap, parseCidr } from "#lib/cidr.ts";

const cidr = (text: string) => parseCidr(text)!;

for (const { taken, want } of [
  { taken: [], want: "10.42.0.0/24" },
  { taken: ["10.42.0.0/24", "10.42.2.0/24"], want: "10.42.1.0/24" },
  { taken: ["10.42.0.0/23"], want: "10.42.2.0/24" },
  { taken: ["10.42.0.0/16"], want: undefined },
  { taken: ["10.99.0.0/24"], want: "10.42.0.0/24" },
]) {
  test(`firstFree() gives ${want} beside [${taken.join()}]`, () => {
    const free = firstFree(cidr("10.42.0.0/16"), 24, taken.map(cidr));
    assert.equal(free && formatCidr(free), want);
  });
}

test("firstFree() goes beyond the first 256", () => {
  const taken = Array.from({ length: 256 }, (_, i) => cidr(`10.42.${i}.0/24`));
  assert.equal(formatCidr(firstFree(cidr("10.42.0.0/15"), 24, taken)!), "10.43.0.0/24");
});

test("parseCidr() gives nothing of what is no range, and forgets the host's bits", () => {
  for (const text of ["", "10.42.0.0", "10.42.0.0/33", "10.300.0.0/16", "fd00::/64"]) assert.equal(parseCidr(text), undefined);
  assert.equal(formatCidr(cidr("10.42.7.9/16")), "10.42.0.0/16");
});

test("addressAt() counts from the network's address", () => {
  assert.equal(addressAt("10.43.0.0/16", 1), "10.43.0.1");
  assert.equal(addressAt("10.43.0.0/16", 266), "10.43.1.10");
  assert.throws(() => addressAt("10.43.0.0", 1), RangeError);
});

for (const [a, b, want] of [
  ["10.42.0.0/16", "10.42.255.0/24", true],
  ["10.42.0.0/16", "10.43.0.0/16", false],
  ["10.42.0.0/15", "10.43.0.0/16", true],
  ["0.0.0.0/0", "255.255.255.0/24", true],
] as const) {
  test(`overlap() of ${a} and ${b} is ${want}`, () => assert.deepEqual([overlap(cidr(a), cidr(b)), overlap(cidr(b), cidr(a))], [want, want]));
}
