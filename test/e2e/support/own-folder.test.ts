import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { abandonedFolders, ownFolder } from "./own-folder.ts";

const PREFIX = `skiff-own-folder-${process.pid}-`;

test("abandonedFolders() are those of processes that have ended, each given once", () => {
  const program = `import { ownFolder } from ${JSON.stringify(fileURLToPath(new URL("own-folder.ts", import.meta.url)))}; console.log(ownFolder("${PREFIX}"));`;
  const left = execFileSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" }).trim();
  const kept = ownFolder(PREFIX);
  try {
    assert.ok(existsSync(left));
    assert.deepEqual(abandonedFolders(PREFIX), [left]);
    assert.deepEqual(abandonedFolders(PREFIX), []);
  } finally {
    for (const folder of [left, kept]) rmSync(folder, { recursive: true });
  }
});
