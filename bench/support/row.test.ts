import assert from "node:assert/strict";
import { test } from "node:test";
import { formatTable, formatValue, isMissed } from "./row.ts";

test("formatValue() shows three digits", () => {
  assert.deepEqual(
    [formatValue(1234.5, "ms"), formatValue(12.34, "MB"), formatValue(0.066, "%"), formatValue(45_108.2, "/s")],
    ["1,235 ms", "12.3 MB", "0.07 %", "45,108/s"],
  );
});

test("isMissed() knows that rates are to be high and all else low", () => {
  const target = { must: 100, aim: 50 };
  const row = { what: "", unit: "ms", target } as const;
  assert.deepEqual([isMissed({ ...row, value: 101 }), isMissed({ ...row, value: 100 })], [true, false]);
  assert.deepEqual([isMissed({ ...row, unit: "/s", value: 99 }), isMissed({ ...row, unit: "/s", value: 100 })], [true, false]);
  assert.equal(isMissed({ ...row, value: Number.NaN }), true);
  assert.equal(isMissed({ what: "", unit: "ms", value: 1e9 }), false);
});

test("formatTable() is Markdown with columns that line up", () => {
  const rows = [
    { what: "a", value: 150, unit: "ms", note: "3 runs", floor: { name: "bare", value: 90 }, target: { must: 100, aim: 80 } },
    { what: "longer", value: 2, unit: "MB" },
  ] as const;
  assert.equal(
    formatTable(rows),
    [
      "| what   | measured          | floor or peer | must   | aim   |",
      "| ------ | ----------------- | ------------- | ------ | ----- |",
      "| a      | 150 ms (3 runs) ✖ | bare 90 ms    | 100 ms | 80 ms |",
      "| longer | 2 MB              |               |        |       |",
      "",
    ].join("\n"),
  );
});
