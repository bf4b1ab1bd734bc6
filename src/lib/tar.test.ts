import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { tarArchive } from "./tar.ts";

const NOTHING = new Uint8Array();

test("tarArchive() writes headers that sum up", () => {
  const archive = tarArchive([{ path: "a/b", mode: 0o644, data: Buffer.from("hello") }]);
  assert.equal(archive.length, 4 * 512);
  const header = Buffer.from(archive.subarray(0, 512));
  const sum = Number.parseInt(header.toString("latin1", 148, 154), 8);
  header.write("        ", 148);
  assert.equal(
    header.reduce((total, byte) => total + byte, 0),
    sum,
  );
});

test("tarArchive() is what tar reads: folders, files, links, their modes", () => {
  const archive = tarArchive([
    { path: "tmp/", mode: 0o1777, data: NOTHING },
    { path: "tmp/full", mode: 0o755, data: Buffer.alloc(1024, "x") },
    { path: "tmp/link", mode: 0o777, data: NOTHING, linkTo: "full" },
  ]);
  const listing = execFileSync("tar", ["--list", "--verbose", "--numeric-owner"], { input: archive, encoding: "utf8", env: { ...process.env, TZ: "UTC" } });
  const lines = listing
    .trim()
    .split("\n")
    .map((line) => line.replace(/\s+/g, " "));
  assert.deepEqual(lines, [
    "drwxrwxrwt 0/0 0 1970-01-01 00:00 tmp/",
    "-rwxr-xr-x 0/0 1024 1970-01-01 00:00 tmp/full",
    "lrwxrwxrwx 0/0 0 1970-01-01 00:00 tmp/link -> full",
  ]);
});

test("tarArchive() refuses paths that a header has no room for", () => {
  const long = "x".repeat(101);
  assert.throws(() => tarArchive([{ path: long, mode: 0, data: NOTHING }]), RangeError);
  assert.throws(() => tarArchive([{ path: "x", mode: 0, data: NOTHING, linkTo: long }]), RangeError);
});
