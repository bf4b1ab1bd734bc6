import assert from "node:assert/strict";
import { test } from "node:test";
import { isEmptyTable, wordsOf } from "./iptables.ts";

test("wordsOf() splits a rule as iptables prints it", () => {
  const rule = String.raw`-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \"skiff\" id: \"ab12\"" -m multiport --dports 8080 -j CNI-DN-0123`;
  assert.deepEqual(wordsOf(rule).slice(0, 8), ["-A", "CNI-HOSTPORT-DNAT", "-p", "tcp", "-m", "comment", "--comment", 'dnat name: "skiff" id: "ab12"']);
  assert.deepEqual(wordsOf(rule).slice(8), ["-m", "multiport", "--dports", "8080", "-j", "CNI-DN-0123"]);
});

const table = { table: { family: "ip", name: "nat" } };
const hook = { chain: { name: "OUTPUT", hook: "output", policy: "accept" } };
for (const [name, entries, want] of [
  ["only hooks that accept", [{ metainfo: {} }, table, hook], true],
  ["a rule", [table, hook, { rule: { chain: "OUTPUT" } }], false],
  ["a chain of somebody's own", [table, hook, { chain: { name: "DOCKER" } }], false],
  ["a policy", [table, { chain: { ...hook.chain, policy: "drop" } }], false],
  ["a set", [table, { set: { name: "s" } }], false],
] as const) {
  test(`isEmptyTable() with ${name} is ${want}`, () => {
    assert.equal(isEmptyTable(JSON.stringify({ nftables: entries })), want);
  });
}
