import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";
import { parse } from "yaml";

import { toYaml } from "#apiserver/http/yaml.ts";

// Written by sigs.k8s.io/yaml, which upstream uses.
const VECTORS: readonly { readonly value: unknown; readonly text: string }[] = [
  {
    value: { b: 1, a: { list: ["x", { k: [], m: {} }, null], z: true }, a10: 1.5, a2: 10000000, empty: "" },
    text: 'a:\n  list:\n  - x\n  - k: []\n    m: {}\n  - null\n  z: true\na2: 10000000\na10: 1.5\nb: 1\nempty: ""\n',
  },
  {
    value: {
      yes: "yes",
      no: "1",
      t: "2025-01-01T00:00:00Z",
      octal: "010",
      hex: "0x1F",
      float: "1e3",
      base60: "1:30",
      q: "'q'",
      colon: "a: b",
      hash: "a #b",
      dash: "- x",
      star: "*x",
      sp: " x ",
      tab: "a\tb",
      bell: "\u0007",
      emoji: "😀",
      nbsp: "a b",
    },
    text: 'base60: "1:30"\nbell: "\\a"\ncolon: \'a: b\'\ndash: \'- x\'\nemoji: "\\U0001F600"\nfloat: "1e3"\nhash: \'a #b\'\nhex: "0x1F"\nnbsp: a b\n"no": "1"\noctal: "010"\nq: \'\'\'q\'\'\'\nsp: \' x \'\nstar: \'*x\'\nt: "2025-01-01T00:00:00Z"\ntab: "a\\tb"\n"yes": "yes"\n',
  },
  {
    value: {
      text: "one\ntwo\n",
      keep: "a\n\n",
      strip: "a\nb",
      lead: " a\nb\n",
      long: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is x)",
      quoted: 'Invalid value: "A_B": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters',
      dq: "\u0007 a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters  and more of it",
    },
    text: "dq: \"\\a a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters\n  \\ and more of it\"\nkeep: |+\n  a\n\nlead: |2\n   a\n  b\nlong: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters,\n  '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com',\n  regex used for validation is x)\nquoted: 'Invalid value: \"A_B\": a lowercase RFC 1123 subdomain must consist of lower\n  case alphanumeric characters'\nstrip: |-\n  a\n  b\ntext: |\n  one\n  two\n",
  },
  { value: [[1, [2]], { a: [{ b: 1 }] }], text: "- - 1\n  - - 2\n- a:\n  - b: 1\n" },
  {
    value: {
      xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: { a: 1 },
      "two\nlines": ["v"],
    },
    text: "? |-\n  two\n  lines\n: - v\n? xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n: a: 1\n",
  },
];

test("toYaml() writes what upstream writes: order, quotes, blocks and breaks of lines", () => {
  for (const { value, text } of VECTORS) assert.equal(toYaml(value), text);
});

test("toYaml() writes what a reader of YAML 1.1 reads as the same value", () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  fc.assert(
    fc.property(value, (given) => {
      fc.pre(!hasTextsMisread(given));
      const plain = JSON.parse(JSON.stringify(given)) as unknown;
      assert.deepEqual(parse(toYaml(plain), { version: "1.1" }), plain);
    }),
    { numRuns: 40 },
  );
});

/** This reader takes `.` and `E0` for numbers, and then has none; Go's takes them for texts. `<<` merges, and upstream writes it bare. */
function hasTextsMisread(value: unknown): boolean {
  let found = false;
  const look = (text: unknown) => typeof text === "string" && (text === "<<" || (/^[-+._\dEe]+$/.test(text) && Number.isNaN(parse(text, { version: "1.1" }))));
  JSON.stringify(value, (key, item: unknown) => {
    found ||= look(key) || look(item);
    return item;
  });
  return found;
}
