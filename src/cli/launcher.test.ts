import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, test } from "node:test";
import { ERRORS } from "./error-table.ts";

const launcher = fileURLToPath(new URL("../../skiff", import.meta.url));
const empty = mkdtempSync(join(tmpdir(), "skiff-launcher-"));
after(() => rmSync(empty, { recursive: true }));

/** The launcher's own refusals need no Node and no package, so they are seen on any machine. */
function launch(env: Readonly<Record<string, string>>, uid?: number) {
  const { status, stderr } = spawnSync(launcher, ["up"], { env: { PATH: process.env["PATH"], ...env }, encoding: "utf8", ...(uid !== undefined && { uid }) });
  return { status, lines: stderr.trimEnd().split("\n") };
}

for (const { name, env, message } of [
  { name: "another processor", env: { HOSTTYPE: "aarch64" }, message: /^error\[SKF-1301\]: Skiff does not run on linux-gnu aarch64$/ },
  { name: "another kernel", env: { OSTYPE: "freebsd14.0" }, message: /^error\[SKF-1301\]: Skiff does not run on freebsd14.0 x86_64$/ },
  { name: "no Debian", env: { PATH: empty }, message: /^error\[SKF-1301\]: this is not a Debian system$/ },
] as const) {
  test(`skiff up says what is wrong with a machine: ${name}`, () => {
    const { status, lines } = launch(env);
    assert.equal(status, ERRORS["SKF-1301"].exitCode);
    assert.match(lines[0] ?? "", message);
    assert.deepEqual(
      lines.slice(1).map((line) => line.split(":")[0]),
      ["cause", "try", "more"],
    );
  });
}

test("skiff up says that it needs root", { skip: process.getuid?.() === 0 ? false : "needs root to become somebody else" }, () => {
  const { status, lines } = launch({}, 65_534);
  assert.equal(status, ERRORS["SKF-1201"].exitCode);
  assert.equal(lines[0], "error[SKF-1201]: 'skiff up' must run as root");
  assert.match(lines[2] ?? "", /^try: sudo \S*skiff up$/);
});

for (const verb of ["test", "bench", "simulate"])
  test(`skiff ${verb} --help explains it, and runs nothing`, () => {
    const { status, stdout } = spawnSync(launcher, [verb, "--help"], { encoding: "utf8", timeout: 60_000 });
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`^\\./skiff ${verb} .*\\n`));
  });
