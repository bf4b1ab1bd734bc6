import assert from "node:assert/strict";
import { once } from "node:events";
import { Writable } from "node:stream";
import { test } from "node:test";
import { Outlet } from "./outlet.ts";

test("Outlet writes the pieces of a turn in one, and changes no byte before the socket has taken it", async () => {
  const taken: Buffer[] = [];
  const done: (() => void)[] = [];
  // A socket that looks at what it was given only when it sends.
  const socket = new Writable({
    highWaterMark: 1e9,
    write: (chunk: Buffer, _encoding, callback) => void done.push(() => (taken.push(Buffer.from(chunk)), callback())),
  });
  const outlet = new Outlet(socket);
  const sent: Buffer[] = [];
  for (let turn = 0; turn < 40; turn++) {
    for (const bytes of [9, 70_000, 9, 40_000 + turn]) {
      const piece = Buffer.alloc(bytes, turn * 4 + bytes);
      sent.push(piece);
      outlet.send(piece);
    }
    await new Promise((resolve) => setImmediate(resolve));
    if (turn % 3 === 2) done.shift()?.();
  }
  const finished = once(socket, "finish");
  socket.end();
  while (done.length > 0) {
    done.shift()!();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await finished;
  assert.equal(taken.length, 40);
  assert.ok(Buffer.concat(taken).equals(Buffer.concat(sent)));
});
