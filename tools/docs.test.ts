import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { importsOf } from "./layers.ts";

const root = new URL("..", import.meta.url).pathname;
const documents = globSync("{*.md,{docs,src,test,bench,tools}/**/*.md}", { cwd: root });

for (const document of documents) {
  const text = readFileSync(join(root, document), "utf8");
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, target = ""]) => target);
  if (links.length === 0) continue;
  test(`${document} links to files that are there`, () => {
    assert.deepEqual(
      links.filter((target) => !existsSync(join(root, dirname(document), target))),
      [],
    );
  });
}

test("docs/architecture.md names files that are there", () => {
  const text = readFileSync(join(root, "docs/architecture.md"), "utf8");
  const named = [...text.matchAll(/`((?:[\w-]+\/)+[\w-]+(?:\.\w+)?)`/g)].map(([, path = ""]) => path);
  const files = named.filter((path) => path.includes("."));
  assert.ok(files.length > 30);
  assert.deepEqual(
    files.filter((path) => !existsSync(join(root, "src", path)) && !existsSync(join(root, path))),
    [],
  );
});

for (const document of documents.filter((file) => /^(test|bench|tools)\/.*README\.md$/.test(file))) {
  test(`${document} names programs that are there`, () => {
    const named = [...readFileSync(join(root, document), "utf8").matchAll(/`([\w./-]+\.(?:ts|mjs))`/g)].map(([, path = ""]) => path);
    assert.deepEqual(
      named.filter((path) => ![dirname(document), ".", "src"].some((folder) => existsSync(join(root, folder, path)))),
      [],
    );
  });
}

test("every package that a cluster runs with is used, and has a record in docs/decisions", () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { dependencies: Record<string, string> };
  const records = globSync("docs/decisions/*.md", { cwd: root })
    .map((file) => readFileSync(join(root, file), "utf8"))
    .join("\n");
  const sources = globSync(["{bin,src,tools}/**/*.ts", "skiff"], { cwd: root, exclude: ["**/*.test.ts", "**/testing/**"] });
  // A package is imported, or its files are read or run by path.
  const used = (name: string) =>
    sources.some((file) => {
      const text = readFileSync(join(root, file), "utf8");
      return importsOf(text).includes(name) || text.includes(`node_modules/${name}/`) || text.includes(`require("${name}")`);
    });
  const names = Object.keys(dependencies);
  assert.deepEqual(
    names.filter((name) => !used(name)),
    [],
  );
  assert.deepEqual(
    names.filter((name) => !records.includes(name)),
    [],
  );
});
