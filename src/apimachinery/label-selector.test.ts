import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { formatLabelSelector, isEmptySelector, meets, parseLabelSelector, selectorOf, selects, selectsAll } from "./label-selector.ts";

const labels = { app: "web", tier: "front", n: "5" };

for (const [text, matches] of [
  ["", true],
  ["app=web", true],
  ["app==web,tier!=back", true],
  ["app in (web,api)", true],
  ["app notin (web)", false],
  ["gone notin (x),gone!=x,!gone", true],
  ["app", true],
  ["!app", false],
  ["n>4,n<6", true],
  ["n>5", false],
  ["app>4", false],
  ["toString", false],
  ["app in ()", false],
  ["in in (in)", false],
  ["  app = web , tier", true],
] as const) {
  test(`Selector.matches() of ${JSON.stringify(text)} is ${matches}`, () => assert.equal(parseLabelSelector(text).matches(labels), matches));
}

for (const [text, message] of [
  ["app=a,", "found '', expected: identifier after ','"],
  [",app", "found ',', expected: !, identifier, or 'end of string'"],
  ["n>=1", "unable to parse requirement: found '=', expected: identifier"],
  ["app in (a b)", "unable to parse requirement: found 'b', expected: ',' or ')'"],
  ["app notin", "unable to parse requirement: found '' expected: '('"],
  ["a/=b", /^unable to parse requirement: <nil>: Invalid value: "a\/": name part must be non-empty; name part must consist/],
  ["n>1.5", "unable to parse requirement: values[0]: Invalid value: \"1.5\": for 'Gt', 'Lt' operators, the value must be an integer"],
] as const) {
  test(`parseLabelSelector() refuses ${text}`, () => assert.throws(() => parseLabelSelector(text), { message }));
}

test("selectorOf() takes nothing for an absent selector and everything for an empty one", () => {
  assert.equal(selectorOf(undefined).matches(labels), false);
  assert.equal(selectorOf({}).matches(labels), true);
});

test("selectorOf() reads requirements", () => {
  const selector = selectorOf({ matchLabels: { app: "web" }, matchExpressions: [{ key: "tier", operator: "In", values: ["front", "back"] }] });
  assert.equal(selector.matches(labels), true);
  assert.equal(selector.toString(), "app=web,tier in (back,front)");
  assert.throws(() => selectorOf({ matchExpressions: [{ key: "a", operator: "Is" }] }), { message: '"Is" is not a valid label selector operator' });
});

test("selects() takes nothing for an absent selector, and follows each selector object", () => {
  assert.equal(selects(undefined, labels), false);
  assert.equal(selects({}, undefined), true);
  const [web, other] = [{ matchLabels: { app: "web" } }, { matchLabels: { app: "other" } }];
  for (let i = 0; i < 2; i++) assert.deepEqual([selects(web, labels), selects(other, labels)], [true, false]);
});

test("selectsAll() wants every pair, and isEmptySelector() none at all", () => {
  assert.equal(selectsAll({ app: "web" }, labels), true);
  assert.equal(selectsAll({ app: "web", gone: "x" }, labels), false);
  assert.equal(selectsAll({ app: "web" }, undefined), false);
  assert.deepEqual([isEmptySelector({}), isEmptySelector({ matchLabels: { app: "web" } })], [true, false]);
});

test("meets() is false for a limit that is no integer", () => {
  assert.equal(meets({ key: "n", operator: "gt", values: ["many"] }, { n: "5" }), false);
  assert.equal(meets({ key: "n", operator: "gt", values: [] }, { n: "5" }), false);
  assert.equal(meets({ key: "n", operator: "gt", values: ["4"] }, { n: "5" }), true);
});

test("formatLabelSelector() says <none> of an empty one", () => assert.equal(formatLabelSelector({}), "<none>"));

const word = fc.stringMatching(/^[a-z]([a-z0-9]{0,5}[a-z0-9])?$/);

test("parseLabelSelector() reads what toString() writes", () => {
  fc.assert(
    fc.property(fc.dictionary(word, word), fc.dictionary(word, word), (wanted, given) => {
      const selector = selectorOf({ matchLabels: wanted });
      const matches = Object.entries(wanted).every(([key, value]) => given[key] === value);
      assert.equal(parseLabelSelector(selector.toString()).matches(given), matches);
    }),
  );
});
