import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { KERNEL_SWITCHES } from "#lib/kernel-switches.ts";
import { handOverRecord, type HostRecord, readHostRecord, rememberHost } from "./host-record.ts";
import { pathsOf } from "./paths.ts";

const dir = mkdtempSync(join(tmpdir(), "skiff-host-record-"));
after(() => rmSync(dir, { recursive: true }));
const fail = (text: string) => assert.fail(text);

function clusterWith(name: string, record: Partial<HostRecord>) {
  const paths = pathsOf(join(dir, name));
  mkdirSync(paths.dataDir, { recursive: true });
  writeFileSync(join(paths.dataDir, "host.json"), JSON.stringify({ switches: {}, absentTables: [], folders: [], addresses: [], ...record }));
  return paths;
}

test("rememberHost() notes the machine once, and later service addresses", () => {
  const paths = pathsOf(join(dir, "first"));
  rememberHost(paths, "10.43.0.10", false, fail);
  const first = readHostRecord(paths);
  assert.deepEqual(Object.keys(first?.switches ?? {}), Object.keys(KERNEL_SWITCHES));
  assert.ok(!first?.folders.includes(paths.dataDir));
  rememberHost(paths, "10.43.0.10", true, fail);
  assert.deepEqual(readHostRecord(paths), first);
  rememberHost(paths, "10.45.0.10", true, fail);
  assert.deepEqual(readHostRecord(paths), { ...first, addresses: ["10.43.0.10", "10.45.0.10"] });
});

test("rememberHost() tells of a damaged record and leaves it", () => {
  const paths = clusterWith("damaged", {});
  writeFileSync(join(paths.dataDir, "host.json"), '{"switches":');
  const told: string[] = [];
  rememberHost(paths, "10.43.0.10", true, (text) => told.push(text));
  assert.match(told.join(), /host\.json is damaged/);
  assert.equal(readFileSync(join(paths.dataDir, "host.json"), "utf8"), '{"switches":');
});

test("handOverRecord() gives the heir what was changed, whichever of the two came first", () => {
  const [path = ""] = Object.keys(KERNEL_SWITCHES);
  for (const [own, theirs] of [
    ["0", "1"],
    ["1", "0"],
  ] as const) {
    const heir = clusterWith("heir", { switches: { [path]: theirs }, folders: ["/var/lib/cni", join(dir, "heir")] });
    handOverRecord({ switches: { [path]: own }, absentTables: ["ip nat"], folders: [], addresses: ["10.43.0.10"] }, heir);
    assert.deepEqual(readHostRecord(heir), { switches: { [path]: "0" }, absentTables: ["ip nat"], folders: [join(dir, "heir")], addresses: [] });
  }
});
