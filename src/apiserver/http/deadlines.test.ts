import assert from "node:assert/strict";
import { test } from "node:test";

import { Deadlines } from "#apiserver/http/deadlines.ts";
import type { Exchange } from "#apiserver/http/exchange.ts";
import { SimClock } from "#lib/sim-clock.ts";

const exchange = (path: string, longRunning = false) => ({ path, longRunning }) as unknown as Exchange;

test("Deadlines end what takes more than a minute, but no watches and nothing that is done", () => {
  const clock = new SimClock();
  const expired: string[] = [];
  const deadlines = new Deadlines(clock, ({ path }, { code }) => expired.push(`${path} ${code}`));
  const done = exchange("/done");
  for (const each of [exchange("/slow"), exchange("/watch", true), done]) deadlines.add(each);
  deadlines.remove(done);
  clock.advance(50_000);
  assert.deepEqual(expired, []);
  clock.advance(20_000);
  assert.deepEqual(expired, ["/slow 504"]);
});
