import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { startTestServer } from "#test/api-server/test-server.ts";

import { replay, sharesOf } from "./golden.ts";

/** Every n-th scenario: all of them take minutes, and a share of many is told well enough by some. */
const EVERY = 4;
/** What a sample may fall below the share of the whole by chance, in percent: less, the more there are in it. */
const slack = (scenarios: number) => 4 + 120 / scenarios;

const shares = JSON.parse(readFileSync(new URL("./shares.json", import.meta.url), "utf8")) as Record<string, number>;

test("the API server answers as upstream did, at least in the shares recorded", { timeout: 170_000 }, async (context) => {
  const server = await startTestServer();
  try {
    const found = sharesOf(await replay({ ...server, every: EVERY }));
    for (const [topic, { agree, all }] of found) context.diagnostic(`${topic}: ${agree} of ${all}`);
    const fallen = [...found].flatMap(([topic, { agree, all }]) => {
      const share = (100 * agree) / all;
      return share + slack(all) < (shares[topic] ?? 0) ? [`${topic}: ${share.toFixed(1)} % of a sample, ${shares[topic]} % were recorded`] : [];
    });
    assert.deepEqual(fallen, []);
  } finally {
    await server.close();
  }
});
