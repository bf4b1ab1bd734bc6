import assert from "node:assert/strict";
import { test } from "node:test";

import { validateWebhooks } from "./validate-webhooks.ts";

const rule = { operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] };
const webhook = {
  name: "a.example.com",
  clientConfig: { url: "https://example.com/hook" },
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
  rules: [rule],
};

for (const { given, want } of [
  { given: {}, want: [] },
  { given: { name: "a" }, want: ["webhooks[0].name"] },
  { given: { clientConfig: { url: "http://u@/x?a#b" } }, want: new Array(5).fill("webhooks[0].clientConfig.url") },
  { given: { clientConfig: {} }, want: ["webhooks[0].clientConfig"] },
  { given: { sideEffects: "Some" }, want: ["webhooks[0].sideEffects"] },
  { given: { admissionReviewVersions: ["v2"] }, want: ["webhooks[0].admissionReviewVersions"] },
  { given: { rules: [{ ...rule, resources: ["pods/*", "pods/log"] }] }, want: ["webhooks[0].rules[0].resources[1]"] },
]) {
  test(`validateWebhooks() refuses ${want[0] ?? "nothing"} of ${JSON.stringify(given)}`, () => {
    assert.deepEqual(
      validateWebhooks([{ ...webhook, ...given }]).map(({ field }) => field),
      want,
    );
  });
}

test("validateWebhooks() lets stay what an older object has", () => {
  const old = [{ ...webhook, sideEffects: "Some" }];
  assert.deepEqual(validateWebhooks(old, old), []);
});
