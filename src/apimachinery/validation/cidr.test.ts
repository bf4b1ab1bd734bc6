import assert from "node:assert/strict";
import { test } from "node:test";

import { FieldPath } from "#apimachinery/field-error.ts";

import { cidrWarnings, isStrictSubnet, parseCidr, validateCidr, validateCidrForLegacyField } from "./cidr.ts";

const path = new FieldPath("f");

for (const [value, network] of [
  ["10.1.2.3/8", "10.0.0.0/8"],
  ["010.0.0.0/08", "10.0.0.0/8"],
  ["2001:DB8:1::/33", "2001:db8::/33"],
  ["::ffff:1.2.3.4/120", "1.2.3.0/24"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["10.0.0.0/33", undefined],
  ["10.0.0.0", undefined],
  ["10.0.0.0/-1", undefined],
  ["/8", undefined],
] as const) {
  test(`parseCidr() reads ${value} as ${network}`, () => assert.equal(parseCidr(value)?.network, network));
}

test("validateCidr() takes one form only, the lenient check any", () => {
  for (const value of ["10.1.0.0/8", "010.0.0.0/8", "2001:DB8::/32", "::ffff:1.2.3.0/120", "10.0.0.0/08"]) {
    assert.equal(validateCidr(value, path).length, 1, value);
    assert.deepEqual(validateCidrForLegacyField(value, path), []);
  }
  assert.deepEqual(validateCidr("2001:db8::/32", path), []);
  assert.equal(validateCidrForLegacyField("x", path).length, 1);
  assert.deepEqual(validateCidrForLegacyField("x", path, ["x"]), []);
});

test("isStrictSubnet() tells what lies inside of what", () => {
  const inside = (inner: string, outer: string) => isStrictSubnet(parseCidr(inner)!, parseCidr(outer)!);
  assert.equal(inside("10.1.0.0/16", "10.0.0.0/8"), true);
  assert.equal(inside("10.0.0.0/8", "10.0.0.0/8"), false);
  assert.equal(inside("11.1.0.0/16", "10.0.0.0/8"), false);
  assert.equal(inside("2001:db8::/64", "10.0.0.0/8"), false);
});

test("cidrWarnings() tell of bits beyond the prefix, of odd and of unusual forms", () => {
  assert.deepEqual(cidrWarnings("10.0.0.0/8", path), []);
  assert.deepEqual(cidrWarnings("10.1.0.0/8", path), ['f: CIDR value "10.1.0.0/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.1.0.0/32"?)']);
  assert.deepEqual(cidrWarnings("010.0.0.0/8", path), [
    'f: non-standard CIDR value "010.0.0.0/8" will be considered invalid in a future Kubernetes release: use "10.0.0.0/8"',
  ]);
  assert.deepEqual(cidrWarnings("2001:DB8::/32", path), ['f: IPv6 CIDR value "2001:DB8::/32" should be in RFC 5952 canonical format ("2001:db8::/32")']);
});
