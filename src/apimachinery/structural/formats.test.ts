import assert from "node:assert/strict";
import { test } from "node:test";

import { formatCheck } from "./formats.ts";

for (const [format, right, wrong] of [
  ["date", ["2024-02-29"], ["2023-02-29", "24-01-01", "2024-1-1"]],
  ["date-time", ["2024-01-01T00:00:00Z", "2024-01-01t23:59:59.5+01:00"], ["2024-01-01", "2024-01-01T24:00:00Z"]],
  ["duration", ["1h30m", "22 ns", "3 weeks"], ["5", "", "x"]],
  ["email", ["a@example.com", "A B <a@b.c>"], ["a", "a@", "@b"]],
  ["hostname", ["example.com", "a-b", "münchen.example.org"], ["", "-a", "a..b", "a_b"]],
  ["ipv4", ["10.0.0.1", "010.0.0.1"], ["::1", "256.0.0.1", "1.2.3"]],
  ["ipv6", ["::1", "fe80::1"], ["fe80::1%eth0", "1.2.3.4"]],
  ["cidr", ["10.0.0.0/8", "::/0"], ["10.0.0.1", "10.0.0.1/33"]],
  ["mac", ["01:23:45:67:89:ab", "0123.4567.89ab"], ["01:23", "01:23:45:67:89-ab"]],
  ["uri", ["https://example.com/x?y", "/path"], ["", "no scheme", "x"]],
  ["uuid4", ["f47ac10b-58cc-4372-a567-0e02b2c3d479"], ["f47ac10b-58cc-1372-a567-0e02b2c3d479"]],
  ["isbn", ["978-0321751041", "0321751043"], ["0321751044"]],
  ["creditcard", ["4111 1111 1111 1111"], ["4111 1111 1111 1112"]],
  ["byte", ["YQ=="], ["", "YQ="]],
  ["k8s-short-name", ["a-b"], ["A", "a.b", ""]],
] as [string, string[], string[]][]) {
  test(`formatCheck() knows a ${format}`, () => {
    const check = formatCheck(format)!;
    assert.deepEqual([right.filter((text) => !check(text)), wrong.filter(check)], [[], []]);
  });
}

test("formatCheck() leaves other formats alone", () => assert.equal(formatCheck("shoe-size"), undefined));
