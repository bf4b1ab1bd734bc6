import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readReport, tell } from "./report.ts";

const spec = (name: string, State: string, Message?: string, LeafNodeType = "It") => ({
  ContainerHierarchyTexts: ["[sig-x]"],
  LeafNodeText: name,
  LeafNodeType,
  State,
  ...(Message !== undefined && { Failure: { Message } }),
});

test("readReport() gives the tests that were chosen, and tell() holds their failures against those that are known", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-report-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "report.json");
  const specs = [
    spec("good", "passed"),
    spec("bad", "failed", "timed out\nat line 3"),
    spec("slow", "timedout", "too slow"),
    spec("left out", "skipped"),
    spec("not here", "skipped", "needs two nodes"),
    spec("", "passed", undefined, "BeforeSuite"),
  ];
  writeFileSync(file, JSON.stringify([{ SpecReports: specs }, { SpecReports: null }]));
  const results = readReport(file);
  assert.deepEqual(
    results.map(({ name, state }) => `${name}: ${state}`),
    ["[sig-x] good: passed", "[sig-x] bad: failed", "[sig-x] slow: failed", "[sig-x] not here: skipped"],
  );
  const { text, isGood } = tell(results, { "[sig-x] slow": "because", "[sig-x] good": "once" });
  assert.equal(isGood, false);
  assert.deepEqual(text.trimEnd().split("\n"), [
    "failed: [sig-x] bad",
    "    timed out",
    "failed: [sig-x] slow",
    "    known: because",
    "passed, though known to fail: [sig-x] good",
    "1 passed, 2 failed",
  ]);
  assert.equal(tell(results, { "[sig-x] slow": "because", "[sig-x] bad": "so" }).isGood, true);
  assert.equal(tell([], {}).isGood, false);
});
