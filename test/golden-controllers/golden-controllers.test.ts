import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { startControlPlane, type ControlPlane } from "./control-plane.ts";
import { replayPrograms, sharesOf, type Result, type Share } from "./golden-controllers.ts";

/** How many programs of each topic have agreed before; raised when more do. */
const MINIMUM: Readonly<Record<string, number>> = JSON.parse(readFileSync(join(import.meta.dirname, "shares.json"), "utf8"));

let plane: ControlPlane;
let results: Result[];
let shares: Record<string, Share>;

before(async () => {
  plane = await startControlPlane();
  results = await replayPrograms(plane, Object.keys(MINIMUM));
  shares = sharesOf(results);
});

after(() => plane.close());

for (const [topic, minimum] of Object.entries(MINIMUM)) {
  test(`controllers and scheduler settle as upstream's do: ${topic}, at least ${minimum}`, (t) => {
    const { agree, all } = shares[topic] ?? { agree: 0, all: 0 };
    t.diagnostic(`${topic}: ${agree} of ${all}`);
    const failed = results.filter(({ id, differences }) => id.startsWith(`${topic}/`) && differences.length > 0);
    const shown = failed.map(({ id, differences: [first] }) => `${id}: step ${first?.step} ${first?.path}`).join("\n");
    assert.ok(agree >= minimum, `${agree} of ${all} agree, ${minimum} did before:\n${shown}`);
  });
}
