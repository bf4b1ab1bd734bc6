import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readIfThere, writeIfChanged, writeWhole } from "./whole-file.ts";

const dir = mkdtempSync(join(tmpdir(), "skiff-whole-"));
after(() => rmSync(dir, { recursive: true }));

test("writeWhole() makes folders, replaces what is there with a new inode, and leaves no draft", () => {
  const path = join(dir, "a/b/file");
  writeWhole(path, "old");
  const { ino, mode } = statSync(path);
  assert.equal(mode & 0o777, 0o600);
  writeFileSync(`${path}.new`, "of a run that was cut off", { mode: 0o666 });
  writeWhole(path, "new");
  assert.equal(readFileSync(path, "utf8"), "new");
  assert.notEqual(statSync(path).ino, ino);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(join(dir, "a/b")), ["file"]);
});

test("writeWhole() keeps the old content when it fails", () => {
  const path = join(dir, "kept");
  mkdirSync(path);
  assert.throws(() => writeWhole(path, "text"), { code: "EISDIR" });
  assert.deepEqual(readdirSync(dir).sort(), ["a", "kept"]);
});

test("writeIfChanged() writes only what differs", () => {
  const path = join(dir, "same");
  assert.equal(readIfThere(path), undefined);
  assert.equal(writeIfChanged(path, "text"), true);
  const { ino } = statSync(path);
  assert.equal(writeIfChanged(path, "text"), false);
  assert.equal(statSync(path).ino, ino);
  assert.equal(writeIfChanged(path, "other"), true);
});

test("readIfThere() does not take a file that cannot be read for none", () => {
  symlinkSync(join(dir, "loop"), join(dir, "loop"));
  assert.throws(() => readIfThere(join(dir, "loop")), { code: "ELOOP" });
});
