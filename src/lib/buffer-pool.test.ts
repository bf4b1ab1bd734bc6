import assert from "node:assert/strict";
import { test } from "node:test";
import { BufferPool } from "./buffer-pool.ts";

test("BufferPool gives a buffer to one at a time, and again after it came back", () => {
  const pool = new BufferPool();
  const [a, b] = [pool.take(100_000), pool.take(100_000)];
  assert.ok(a !== b && a.length === 131_072);
  pool.give(a);
  assert.equal(pool.take(70_000), a);
  assert.notEqual(pool.take(70_000), a);
  pool.give(b);
  assert.notEqual(pool.take(200_000), b);
});

test("BufferPool keeps no more than a few", () => {
  const pool = new BufferPool();
  const buffers = Array.from({ length: 20 }, () => pool.take(65_536));
  for (const buffer of buffers) pool.give(buffer);
  const again = new Set(Array.from({ length: 20 }, () => pool.take(65_536)));
  assert.equal(again.size, 20);
  assert.equal(buffers.filter((buffer) => again.has(buffer)).length, 8);
});
