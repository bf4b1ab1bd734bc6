import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { startTestServer } from "#test/api-server/test-server.ts";

import { BUILD_LIMIT_MS, buildGo, runProgram } from "./go-program.ts";

const RUN_LIMIT_MS = 90_000;

test("client-go, in protobuf, sees what it would see of upstream", { timeout: BUILD_LIMIT_MS + RUN_LIMIT_MS }, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "client-go-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, "user");
  const why = buildGo("client-go", program);
  if (why !== undefined) return context.skip(why);
  const { url, ca, admin, close } = await startTestServer();
  context.after(close);
  const files = { ca, cert: admin.cert, key: admin.key };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const { code, output } = await runProgram(program, [url, ...Object.keys(files).map((name) => join(folder, name))], RUN_LIMIT_MS);
  assert.equal(code, 0, output);
  assert.match(output, /ok OpenAPI v3\n$/);
});
