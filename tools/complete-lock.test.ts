import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Lock, missingEntries } from "./complete-lock.ts";

const text = readFileSync(new URL("../package-lock.json", import.meta.url), "utf8");

test("package-lock.json is one that npm ci takes: complete, and bound to no registry", () => {
  assert.deepEqual(missingEntries(JSON.parse(text) as Lock), {});
  assert.doesNotMatch(text, /"resolved"/);
});

test("missingEntries() reads the platform from the name", () => {
  const lock = { packages: { "node_modules/a": { dev: true, optionalDependencies: { "@a/linux-x64-musl": "1.0.0", "graceful-fs": "^4" } } } };
  assert.deepEqual(missingEntries(lock), {
    "node_modules/@a/linux-x64-musl": { version: "1.0.0", dev: true, optional: true, os: ["linux"], cpu: ["x64"], libc: ["musl"] },
  });
});
