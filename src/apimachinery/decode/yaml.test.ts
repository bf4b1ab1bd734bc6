import assert from "node:assert/strict";
import { test } from "node:test";

import { parseYaml } from "./yaml.ts";

test("parseYaml() reads scalars as Go's YAML 1.1 does", () => {
  assert.deepEqual(parseYaml("a: yes\nb: off\nc: 010\nd: 22:22\ne: 2001-01-01\nf: ~\ng: 1.5\n1: x\n").value, {
    a: true,
    b: false,
    c: 8,
    d: "22:22",
    e: "2001-01-01",
    f: null,
    g: 1.5,
    1: "x",
  });
});

test("parseYaml() takes the first document", () => assert.deepEqual(parseYaml("a: 1\n---\nb: 2\n").value, { a: 1 }));

test("parseYaml() names keys that come again by the line of their value, the last of which counts", () => {
  const { value, duplicates } = parseYaml("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: v\ndata:\n  z: w\n");
  assert.deepEqual((value as { data: unknown }).data, { z: "w" });
  assert.deepEqual(duplicates, ['line 8: key "data" already set in map']);
});

for (const [text, message] of [
  ["a: 'v1\n", "yaml: line 2: found unexpected end of stream"],
  ["a: *nope\n", "yaml: unknown anchor 'nope' referenced"],
  ["a:\n\tb: c\n", "yaml: line 2: found a tab character that violates indentation"],
  ['{"a":"v1"', "yaml: line 1: did not find expected ',' or '}'"],
] as const) {
  test(`parseYaml() says ${message}`, () => assert.throws(() => parseYaml(text), { name: "DecodeError", message }));
}

test("parseYaml() bounds what aliases expand to", () => {
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
  for (let i = 1; i < 9; i++)
    lines.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(", ")}]`,
    );
  assert.throws(() => parseYaml(lines.join("\n")), { name: "DecodeError" });
});
