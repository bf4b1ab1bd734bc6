import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";

import { kindOf, replay, sharesOf, sharesOfKinds, type Share } from "./golden.ts";

/** Every n-th scenario: all of them take minutes, and a share of many is told well enough by some. */
const EVERY = 4;
/** What a sample may fall below the share of the whole by chance, in percent: less, the more there are in it. */
const slack = (scenarios: number) => 4 + 120 / scenarios;
/** A share below this, of what is not built yet, could not fall by more than chance. */
const LEAST = 5;

const recorded = (file: string) => JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8")) as Record<string, number>;
const shares = recorded("./shares.json");
/** Of the kinds that are to be whole. */
const kindShares = recorded("./kind-shares.json");

let server: TestServer;
before(async () => void (server = await startTestServer()));
after(() => server.close());

const percent = ({ agree, all }: Share) => (100 * agree) / all;

// Discovery shows what other scenarios leave behind, so it comes first.
const topics = Object.keys(shares)
  .filter((topic) => shares[topic]! > LEAST)
  .sort((a, b) => Number(b.endsWith("discovery")) - Number(a.endsWith("discovery")));
for (const topic of topics) {
  test(`${topic}: ${shares[topic]} % of upstream's answers`, { timeout: 120_000 }, async (context) => {
    const found = sharesOf(await replay({ ...server, only: topic, every: EVERY })).get(topic);
    assert.ok(found);
    context.diagnostic(`${found.agree} of ${found.all}`);
    assert.ok(percent(found) + slack(found.all) >= shares[topic]!, `${percent(found).toFixed(1)} % of a sample`);
  });
}

test("the kinds that are whole answer as upstream, field by field", { timeout: 600_000 }, async (context) => {
  const fresh = await startTestServer(); // what other scenarios have left behind would be in the way
  context.after(() => fresh.close());
  const kinds = [...new Set(Object.keys(kindShares).map((key) => key.split(" ")[1]!))];
  const picks = ({ id, topic }: { readonly id: string; readonly topic: string }) => topic.startsWith("fields/") && kindOf(id, kinds) !== undefined;
  const found = sharesOfKinds(await replay({ ...fresh, only: "fields/", picks }), kinds);
  for (const [key, least] of Object.entries(kindShares)) {
    const share = found.get(key);
    assert.ok(share, key);
    assert.ok(percent(share) >= least, `${key}: ${percent(share).toFixed(1)} %, ${least} % were recorded`);
  }
});
