import assert from "node:assert/strict";
import { test } from "node:test";

import { atTurnEnd } from "./turn-end.ts";

test("atTurnEnd() calls after continuations, however many hops away, and before timers", async () => {
  const seen: string[] = [];
  await new Promise<void>((resolve) => {
    setImmediate(() => {
      setImmediate(() => resolve(void seen.push("next turn")));
      atTurnEnd(() => seen.push("end"));
      void (async () => {
        for (let hop = 0; hop < 5; hop++) await undefined;
        seen.push("continuation");
      })();
    });
  });
  assert.deepEqual(seen, ["continuation", "end", "next turn"]);
});
