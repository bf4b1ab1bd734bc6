import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestEvent } from "node:test/reporters";
import reporter from "./test-reporter.ts";

/** What `node --test` says of two files on its way, as far as the reporter looks at it. */
const place = (name: string, file: string, line: number) => ({ name, file: `/tests/${file}`, line, column: 1, nesting: 0, type: "test" });
const HANGS = place("/tests/hangs.test.ts", "hangs.test.ts", 1);
const LINGERS = place("/tests/lingers.test.ts", "lingers.test.ts", 1);
const QUICK = place("quick", "hangs.test.ts", 2);
const SLOW = place("slow", "hangs.test.ts", 3);
const ENDS = place("ends", "lingers.test.ts", 2);
const begins = (...places: object[]) => places.map((data) => ({ type: "test:dequeue", data }));
const ends = (...places: object[]) => places.map((data) => ({ type: "test:complete", data }));

for (const { what, events, hung } of [
  { what: "tests that had begun", events: [...begins(HANGS, QUICK), ...ends(QUICK), ...begins(SLOW)], hung: ["slow"] },
  { what: "a file whose tests were done", events: [...begins(LINGERS, ENDS), ...ends(ENDS)], hung: ["/tests/lingers.test.ts"] },
  { what: "both", events: [...begins(LINGERS, ENDS, HANGS, SLOW), ...ends(ENDS)], hung: ["slow", "/tests/lingers.test.ts"] },
  { what: "nothing of what ended", events: [...begins(HANGS, QUICK), ...ends(QUICK, HANGS)], hung: [] },
]) {
  test(`reporter() names of a run that is ended early ${what}`, async () => {
    const stream = (async function* () {
      yield* [...events, { type: "test:interrupted", data: { tests: [] } }] as TestEvent[];
    })();
    const said = (await Array.fromAsync(reporter(stream))).join("");
    assert.deepEqual(said.match(/(?<=still ran: ).*/g) ?? [], hung);
  });
}
