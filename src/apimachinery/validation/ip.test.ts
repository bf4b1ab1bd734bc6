import assert from "node:assert/strict";
import { test } from "node:test";

import { FieldPath } from "#apimachinery/field-error.ts";

import { canonicalIP, ipWarnings, validateIP, validateIPForLegacyField } from "./ip.ts";

for (const [value, want] of [
  ["10.0.0.1", "10.0.0.1"],
  ["010.000.0.01", "10.0.0.1"],
  ["::1", "::1"],
  ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["2001:db8:0:0:0:0:0:0", "2001:db8::"],
  ["::ffff:1.2.3.4", "1.2.3.4"],
  ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
  ["", undefined],
  ["1.2.3", undefined],
  ["256.1.1.1", undefined],
  ["fe80::1%eth0", undefined],
  [":::", undefined],
] as const) {
  test(`canonicalIP() of ${JSON.stringify(value)}`, () => assert.equal(canonicalIP(value), want));
}

const path = new FieldPath("f");

test("validateIP() takes one form only, validateIPForLegacyField() any", () => {
  for (const value of ["01.2.3.4", "::ffff:1.2.3.4", "2001:DB8::1"]) {
    assert.equal(validateIP(value, path).length, 1);
    assert.deepEqual(validateIPForLegacyField(value, path), []);
  }
  assert.deepEqual(validateIP("2001:db8::1", path), []);
  assert.equal(validateIPForLegacyField("x", path).length, 1);
  assert.deepEqual(validateIPForLegacyField("x", path, ["x"]), []);
});

test("ipWarnings() names the form to use", () => {
  assert.deepEqual(ipWarnings("1.2.3.4", path), []);
  assert.deepEqual(ipWarnings("1.2.3.04", path), [
    'f: non-standard IP address "1.2.3.04" will be considered invalid in a future Kubernetes release: use "1.2.3.4"',
  ]);
  assert.deepEqual(ipWarnings("2001:DB8::1", path), ['f: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")']);
});
