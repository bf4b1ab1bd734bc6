/**
 * The examples of READMEs that must run: blocks fenced as "```ts run". They import as the source does, and a line
 * `expression; // => value` claims what the expression is (promises are awaited by the example itself).
 */

export interface Example {
  /** The line of the README where it begins. */
  readonly line: number;
  /** A module that throws when a claim is wrong. */
  readonly code: string;
}

const FENCE = /^```ts run\n(.*?)^```$/gms;
const CLAIM = /^(.*\S);\s*\/\/ => (.+)$/gm;

export function examplesIn(readme: string): Example[] {
  return [...readme.matchAll(FENCE)].map(({ index, 1: code = "" }) => ({ line: readme.slice(0, index).split("\n").length + 1, code: checked(code) }));
}

function checked(code: string): string {
  return `import exampleAssert from "node:assert/strict";\n${code.replace(CLAIM, "exampleAssert.deepEqual($1, $2);")}`;
}
