import assert from "node:assert/strict";
import { test } from "node:test";

import { isDns1123Label, isDns1123Subdomain, isLabelValue, isQualifiedName } from "./names.ts";

const long = (length: number) => "a".repeat(length);

for (const { check, value, messages } of [
  { check: isQualifiedName, value: "app.kubernetes.io/name", messages: 0 },
  { check: isQualifiedName, value: `${long(63)}.io/${long(63)}`, messages: 0 },
  { check: isQualifiedName, value: `example.com/${long(64)}`, messages: 1 },
  { check: isQualifiedName, value: "/name", messages: 1 },
  { check: isQualifiedName, value: "example.com/", messages: 2 },
  { check: isQualifiedName, value: "Example.com/name", messages: 1 },
  { check: isQualifiedName, value: "a/b/c", messages: 1 },
  { check: isQualifiedName, value: `${long(254)}/name`, messages: 1 },
  { check: isDns1123Label, value: long(63), messages: 0 },
  { check: isDns1123Label, value: long(64), messages: 1 },
  { check: isDns1123Subdomain, value: `${long(63)}.${long(63)}`, messages: 0 },
  { check: isDns1123Subdomain, value: long(254), messages: 1 },
  { check: isLabelValue, value: "", messages: 0 },
  { check: isLabelValue, value: long(64), messages: 1 },
  { check: isLabelValue, value: "é", messages: 1 },
]) {
  test(`${check.name}() has ${messages} messages about ${value.length > 40 ? `${value.length} characters` : JSON.stringify(value)}`, () => {
    assert.equal(check(value).length, messages);
  });
}
