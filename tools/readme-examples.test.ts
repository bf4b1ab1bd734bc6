import assert from "node:assert/strict";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";

import { examplesIn } from "./readme-examples.ts";

const root = new URL("..", import.meta.url).pathname;
/** Within the repository, so that `#lib/…` means here what it means in the source. */
const folder = `${root}dist/readme-examples-${process.pid}`;
mkdirSync(folder, { recursive: true });
after(() => rmSync(folder, { recursive: true }));

const readmes = globSync("{src,test}/**/README.md", { cwd: root }).sort();

for (const readme of readmes) {
  for (const { line, code } of examplesIn(readFileSync(root + readme, "utf8"))) {
    test(`the example at ${readme}:${line} does what it says`, async () => {
      const file = `${folder}/${readme.replaceAll(/\W/g, "-")}-${line}.ts`;
      writeFileSync(file, code);
      await import(pathToFileURL(file).href);
    });
  }
}

/** Generated types say all there is to say of a folder that has nothing else. */
const isWritten = (file: string) => !file.endsWith(".test.ts") && !file.endsWith("/types.ts");
/** Small folders of one sort, which the README above them describes together. */
const DESCRIBED_ABOVE = /^src\/scheduler\/plugins\/./;
const folders = new Set(globSync("src/**/*.ts", { cwd: root }).filter(isWritten).map(dirname));

for (const folder of [...folders].sort().filter((name) => !DESCRIBED_ABOVE.test(name))) {
  test(`${folder} has a README with an example that runs`, () => {
    const readme = `${root}${folder}/README.md`;
    assert.ok(existsSync(readme), `${folder}/README.md is missing`);
    assert.ok(examplesIn(readFileSync(readme, "utf8")).length > 0, "no block is fenced as ```ts run");
  });
}

test("examplesIn() turns claims into assertions and leaves other blocks alone", () => {
  const [example, ...more] = examplesIn("# a\n\n```ts\nno();\n```\n\n```ts run\nconst a = 1;\na + 1; // => 2\n```\n");
  assert.equal(more.length, 0);
  assert.equal(example!.line, 8);
  assert.equal(example!.code, 'import exampleAssert from "node:assert/strict";\nconst a = 1;\nexampleAssert.deepEqual(a + 1, 2);\n');
});
