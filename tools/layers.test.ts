import assert from "node:assert/strict";
import { test } from "node:test";
import { checkLayers, checkModule, importsOf, MINIMUM_MODULES } from "./layers.ts";

const root = new URL("..", import.meta.url).pathname;

test("checkLayers() finds every import of the repository in the layer table", () => {
  const { modules, violations } = checkLayers(root);
  assert.deepEqual(violations, []);
  assert.ok(modules >= MINIMUM_MODULES, `${modules} modules`);
});

for (const { name, file, source, want } of [
  { name: "lets a layer import those left of it", file: "src/api/a.ts", source: 'import { x } from "#lib/x.ts";', want: 0 },
  { name: "refuses an import to the right", file: "src/lib/a.ts", source: 'import { x } from "#api/x.ts";', want: 1 },
  { name: "keeps components apart", file: "src/dns/a.ts", source: 'import { x } from "#proxy/x.ts";', want: 1 },
  { name: "keeps components from the API server", file: "src/dns/a.ts", source: 'import type { x } from "#apiserver/x.ts";', want: 1 },
  { name: "sees through relative paths", file: "src/dns/a.ts", source: 'export * from "../apiserver/x.ts";', want: 1 },
  { name: "reads dynamic imports", file: "src/dns/a.ts", source: 'const x = await import("#storage/x.ts");', want: 1 },
  { name: "lets cmd compose all", file: "src/cmd/a.ts", source: 'import { x } from "#apiserver/x.ts";', want: 0 },
  { name: "keeps a package where it belongs", file: "src/lib/a.ts", source: 'import "@peculiar/x509";', want: 1 },
  { name: "does not know folders outside the table", file: "src/utils/a.ts", source: 'import { x } from "#lib/x.ts";', want: 1 },
]) {
  test(`checkModule() ${name}`, () => {
    assert.equal(checkModule(file, source).length, want);
  });
}

test("importsOf() reads imports over several lines and leaves comments alone", () => {
  const source = 'import {\n  a,\n  b,\n} from "./a.ts";\n// import "./no.ts";\nimport "./b.ts";\nexport { c } from "./c.ts";\n';
  assert.deepEqual(importsOf(source), ["./a.ts", "./b.ts", "./c.ts"]);
});
