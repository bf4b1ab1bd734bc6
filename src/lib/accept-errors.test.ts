import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { outliveAcceptErrors } from "./accept-errors.ts";
import { SimClock } from "./sim-clock.ts";

test("outliveAcceptErrors() tells once, and then with how many there were meanwhile", () => {
  const clock = new SimClock(0);
  const server = createServer();
  const told: (readonly [string, number])[] = [];
  assert.throws(() => server.emit("error", new Error("nobody listens")));
  outliveAcceptErrors(server, clock, ({ message }, count) => told.push([message, count]));
  for (const message of ["a", "b", "c"]) server.emit("error", new Error(message));
  clock.advance(10_000);
  server.emit("error", new Error("d"));
  assert.deepEqual(told, [
    ["a", 1],
    ["d", 3],
  ]);
});
