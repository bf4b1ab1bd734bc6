/**
 * Replays the recordings against a test server and prints the share per topic, and the first differences.
 *
 * `node test/golden/replay.ts [--only PREFIX] [--every N] [--show N] [--update]`; `--update` raises `shares.json`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { startTestServer } from "#test/api-server/test-server.ts";

import { replay, type Share, sharesOf, sharesOfKinds } from "./golden.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    every: { type: "string", default: "1" },
    show: { type: "string", default: "0" },
    out: { type: "string" },
    update: { type: "boolean", default: false },
  },
});

const server = await startTestServer();
const results = await replay({ ...server, only: values.only, every: Number(values.every) });
await server.close();

const failed = results.filter(({ differences }) => differences.length > 0);
for (const { id, differences } of failed.slice(0, Number(values.show))) {
  console.log(`\n${id}`);
  for (const { step, path, want, got } of differences.slice(0, 5)) console.log(`  step ${step} ${path}\n    want ${cut(want)}\n    got  ${cut(got)}`);
}
const shares = [...sharesOf(results)].toSorted(([a], [b]) => (a < b ? -1 : 1));
for (const [topic, { agree, all }] of shares)
  console.log(`${topic.padEnd(28)} ${String(agree).padStart(5)} of ${String(all).padStart(5)}  ${((100 * agree) / all).toFixed(1)} %`);
console.log(`golden: ${results.length - failed.length} of ${results.length} agree`);
if (values.out !== undefined) writeFileSync(values.out, results.map((result) => `${JSON.stringify(result)}\n`).join(""));
if (values.update) raiseShares();
process.exit(0);

/** Of what was replayed whole. */
function raiseShares(): void {
  raise("./shares.json", new Map(shares));
  const path = new URL("./kind-shares.json", import.meta.url);
  const kinds = Object.keys(JSON.parse(readFileSync(path, "utf8")) as object).map((key) => key.split(" ")[1]!);
  raise("./kind-shares.json", sharesOfKinds(results, kinds));
}

/** Shares only ever rise: what is lower than recorded stays as it was. */
function raise(file: string, found: ReadonlyMap<string, Share>): void {
  const path = new URL(file, import.meta.url);
  const recorded = JSON.parse(readFileSync(path, "utf8")) as Record<string, number>;
  for (const [key, { agree, all }] of found) recorded[key] = Math.max(recorded[key] ?? 0, Math.floor((1000 * agree) / all) / 10);
  writeFileSync(path, `${JSON.stringify(recorded, undefined, 2)}\n`);
}

function cut(value: unknown): string {
  const shown = value === undefined ? "(absent)" : JSON.stringify(value);
  return shown.length > 300 ? `${shown.slice(0, 300)}…` : shown;
}
