import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { startTestServer } from "#test/api-server/test-server.ts";

/** With nothing built before, client-go takes its time. */
const BUILD_LIMIT_MS = 120_000;
const RUN_LIMIT_MS = 90_000;

test("client-go, in protobuf, sees what it would see of upstream", { timeout: BUILD_LIMIT_MS + RUN_LIMIT_MS }, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "client-go-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, "user");
  const why = build(program);
  if (why !== undefined) return context.skip(why);
  const { url, ca, admin, close } = await startTestServer();
  context.after(close);
  const files = { ca, cert: admin.cert, key: admin.key };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const { code, output } = await run(program, [url, ...Object.keys(files).map((name) => join(folder, name))]);
  assert.equal(code, 0, output);
  assert.match(output, /ok OpenAPI v3\n$/);
});

/** Where Go and the modules are present; nothing is downloaded. @returns why it could not be built */
function build(program: string): string | undefined {
  const env = { ...process.env, GOPROXY: "off", GOFLAGS: "-mod=readonly", GOTOOLCHAIN: "local" };
  const { error, status, stderr } = spawnSync("go", ["build", "-o", program, "."], {
    cwd: join(import.meta.dirname, "client-go"),
    env,
    timeout: BUILD_LIMIT_MS,
    encoding: "utf8",
  });
  if (error !== undefined) return `Go cannot build here: ${error.message}`;
  if (status === 0) return undefined;
  const isMissing = /module lookup disabled|not available|go\.mod requires go/.test(stderr);
  assert.ok(isMissing, stderr);
  return "Go's modules of client-go are not on this machine";
}

function run(program: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], timeout: RUN_LIMIT_MS });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}
