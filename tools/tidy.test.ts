import assert from "node:assert/strict";
import { test } from "node:test";
import { checkFile, checkTidy, unusedExports } from "./tidy.ts";

const root = new URL("..", import.meta.url).pathname;

test("checkTidy() reads the whole of src", () => {
  assert.ok(checkTidy(root).files > 60);
});

for (const { name, file, source, want } of [
  { name: "refuses the machine's clock", file: "src/dns/a.ts", source: "const now = Date.now();", want: ["Date.now"] },
  { name: "lets the clock itself use it", file: "src/lib/system-clock.ts", source: "now: () => Date.now(),", want: [] },
  { name: "refuses bare timers", file: "src/dns/a.ts", source: "setTimeout(run, 5);", want: ["a bare timer"] },
  { name: "lets methods of that name be", file: "src/dns/a.ts", source: "socket.setTimeout(5);", want: [] },
  { name: "refuses console and environment", file: "src/dns/a.ts", source: "console.log(process.env.HOME);", want: ["console", "process.env"] },
  { name: "leaves comments alone", file: "src/dns/a.ts", source: "// Math.random is banned\n * Math.random", want: [] },
  { name: "leaves tests alone", file: "src/dns/a.test.ts", source: "Date.now();", want: [] },
  {
    name: "wants a reason for a long file",
    file: "src/dns/a.ts",
    source: "x;\n".repeat(401),
    want: ['401 lines and no "// Long because …" in the first five'],
  },
  { name: "takes a reason", file: "src/dns/a.ts", source: `// Long because it is a table.\n${"x;\n".repeat(401)}`, want: [] },
]) {
  test(`checkFile() ${name}`, () => {
    assert.deepEqual(
      checkFile(file, source).map(({ what }) => what),
      want,
    );
  });
}

for (const { name, files, want } of [
  { name: "names what nobody else uses", files: { "src/a.ts": "\nexport function f() { f(); }" }, want: ["src/a.ts:2: nothing else uses f, which it exports"] },
  { name: "takes a test for a user", files: { "src/a.ts": "export const F = 1;", "src/a.test.ts": "F;" }, want: [] },
  { name: "leaves types alone", files: { "src/a.ts": "export interface F {}", "src/types.ts": "export const G = 1;" }, want: [] },
]) {
  test(`unusedExports() ${name}`, () => {
    assert.deepEqual(
      unusedExports(new Map(Object.entries(files))).map(({ file, line, what }) => `${file}:${line}: ${what}`),
      want,
    );
  });
}
