import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareBytes } from "#lib/compare-bytes.ts";
import { seededRng } from "#lib/rng.ts";
import { SortedMap } from "#lib/sorted-map.ts";

const unit = fc.constantFrom("a", "b", "/", "\0", "é", "\uFF21", "\u{1F600}");
const word = fc.array(unit, { maxLength: 5 }).map((units) => units.join(""));

test("compareBytes() orders as the UTF-8 bytes are ordered", () => {
  fc.assert(
    fc.property(word, word, (a, b) => {
      assert.equal(Math.sign(compareBytes(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

test("SortedMap agrees with a sorted array after any sets and deletions", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(word, fc.boolean())), word, word, (steps, prefix, start) => {
      const map = new SortedMap<number>();
      const model = new Map<string, number>();
      for (const [i, [key, isSet]] of steps.entries()) {
        if (isSet) {
          map.set(key, i);
          model.set(key, i);
        } else assert.equal(map.delete(key), model.delete(key));
      }
      const keys = [...model.keys()].sort(compareBytes);
      assert.equal(map.size, keys.length);
      assert.deepEqual(
        walk(map, start),
        keys.filter((key) => compareBytes(key, start) >= 0),
      );
      assert.deepEqual(
        [...map.values()],
        keys.map((key) => model.get(key)),
      );
      const counted = keys.filter((key) => key.startsWith(prefix) && compareBytes(key, start) >= 0);
      assert.equal(map.countPrefix(prefix, start), counted.length);
    }),
  );
});

test("SortedMap keeps the order over many chunks", () => {
  const map = new SortedMap<number>();
  const rng = seededRng(1);
  const numbers = Array.from({ length: 5000 }, () => Math.floor(rng() * 100_000));
  for (const number of numbers) map.set(String(number).padStart(6, "0"), number);
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  assert.deepEqual([...map.values()], sorted);
  for (const number of sorted) if (number % 7 !== 0) map.delete(String(number).padStart(6, "0"));
  const left = sorted.filter((number) => number % 7 === 0);
  assert.deepEqual([...map.values()], left);
  assert.equal(map.countPrefix("0"), left.length);
});

function walk(map: SortedMap<number>, start: string): string[] {
  const keys: string[] = [];
  for (const cursor = map.cursor(start); cursor.key !== undefined; cursor.next()) keys.push(cursor.key);
  return keys;
}
