import assert from "node:assert/strict";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";

import { examplesIn } from "./readme-examples.ts";

const root = new URL("..", import.meta.url).pathname;
/** Within the repository, so that `#lib/…` means here what it means in the source. */
const folder = `${root}dist/readme-examples-${process.pid}`;
mkdirSync(folder, { recursive: true });
after(() => rmSync(folder, { recursive: true }));

const readmes = globSync("src/**/README.md", { cwd: root }).sort();

for (const readme of readmes) {
  for (const { line, code } of examplesIn(readFileSync(root + readme, "utf8"))) {
    test(`the example at ${readme}:${line} does what it says`, async () => {
      const file = `${folder}/${readme.replaceAll(/\W/g, "-")}-${line}.ts`;
      writeFileSync(file, code);
      await import(pathToFileURL(file).href);
    });
  }
}

for (const name of globSync("src/*", { cwd: root })) {
  test(`${name} has a README with an example that runs`, () => {
    const readme = `${root}${name}/README.md`;
    assert.ok(existsSync(readme), `${name}/README.md is missing`);
    assert.ok(examplesIn(readFileSync(readme, "utf8")).length > 0, "no block is fenced as ```ts run");
  });
}

test("examplesIn() turns claims into assertions and leaves other blocks alone", () => {
  const [example, ...more] = examplesIn("# a\n\n```ts\nno();\n```\n\n```ts run\nconst a = 1;\na + 1; // => 2\n```\n");
  assert.equal(more.length, 0);
  assert.equal(example!.line, 8);
  assert.equal(example!.code, 'import exampleAssert from "node:assert/strict";\nconst a = 1;\nexampleAssert.deepEqual(a + 1, 2);\n');
});
