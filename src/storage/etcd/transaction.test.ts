import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type EtcdEvent, keyBytes, prefixEnd, type TxnResponse } from "./messages.ts";
import { KeyedTurns, Transaction } from "./transaction.ts";

const bytes = (text: string) => Buffer.from(text);
const kv = (key: string, value: string, modRevision: number) => ({ key: keyBytes(key), value: bytes(value), createRevision: 1, modRevision, version: 1 });
const putEvent = (key: string, value: string, revision: number, previous?: number): EtcdEvent => ({
  type: 0,
  kv: kv(key, value, revision),
  ...(previous !== undefined && { prevKv: kv(key, "old", previous) }),
});

for (const { what, event, claimed } of [
  { what: "the put that it made", event: putEvent("a", "new", 9, 4), claimed: true },
  { what: "a put of another value", event: putEvent("a", "other", 9, 4), claimed: false },
  { what: "a put after another state", event: putEvent("a", "new", 9, 5), claimed: false },
  { what: "a put where nothing was", event: putEvent("a", "new", 9), claimed: false },
  { what: "a delete", event: { ...putEvent("a", "", 9, 4), type: 1 as const }, claimed: false },
]) {
  test(`Transaction.claim() ${claimed ? "takes" : "leaves"} ${what}`, () => {
    const transaction = new Transaction([{ key: "a", value: bytes("new"), expected: 4 }]);
    assert.equal(transaction.claim(event, "a") !== undefined, claimed);
    assert.equal(transaction.revision, claimed ? 9 : undefined);
    assert.equal(transaction.claim(event, "a"), undefined, "each op is claimed once");
  });
}

test("a transaction has shown when all its puts have, at one revision; deletes may be of nothing", () => {
  const transaction = new Transaction([
    { key: "a", value: bytes("1"), expected: 0 },
    { key: "b", value: bytes("2"), expected: undefined },
    { key: "c", value: undefined, expected: undefined },
  ]);
  transaction.claim(putEvent("a", "1", 7), "a");
  assert.equal(transaction.revision, undefined);
  assert.equal(transaction.claim(putEvent("b", "2", 8), "b"), undefined, "another revision is another transaction");
  transaction.claim(putEvent("b", "2", 7, 3), "b");
  assert.equal(transaction.revision, 7);
});

for (const { ops, repeatable } of [
  { ops: [{ key: "a", value: bytes("x"), expected: 0 }], repeatable: true },
  { ops: [{ key: "a", value: undefined, expected: 5 }], repeatable: true },
  { ops: [{ key: "a", value: bytes("x"), expected: undefined }], repeatable: false },
  { ops: [{ key: "a", value: undefined, expected: 0 }], repeatable: false },
]) {
  test(`a ${ops[0]!.value === undefined ? "delete" : "put"} that expects ${ops[0]!.expected} is ${repeatable ? "" : "not "}repeatable`, () => {
    assert.equal(new Transaction(ops).repeatable, repeatable);
  });
}

test("Transaction.refusal() names the first op whose expectation failed", () => {
  const transaction = new Transaction([
    { key: "any", value: bytes("1"), expected: undefined },
    { key: "same", value: bytes("1"), expected: 3 },
    { key: "other", value: bytes("1"), expected: 0 },
  ]);
  const found = (...kvs: ReturnType<typeof kv>[]) => ({ range: { header: { clusterId: 1, revision: 9 }, kvs, count: kvs.length } });
  const response: TxnResponse = { header: { clusterId: 1, revision: 9 }, succeeded: false, responses: [found(kv("same", "v", 3)), found(kv("other", "w", 5))] };
  const { index, current } = transaction.refusal(response);
  assert.deepEqual([index, current?.modRevision], [2, 5]);
});

test("KeyedTurns lets the works on a key run in order, one at a time, and those on other keys beside them", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { minLength: 1, maxLength: 3 }), { maxLength: 12 }), async (works) => {
      const turns = new KeyedTurns();
      const order = new Map<string, number[]>();
      const busy = new Set<string>();
      const blocker = Promise.withResolvers<void>();
      const blocked = turns.run(["blocked"], () => blocker.promise);
      await Promise.all(
        works.map((keys, i) =>
          turns.run(keys, async () => {
            for (const key of keys) {
              assert.ok(!busy.has(key));
              busy.add(key);
              order.set(key, [...(order.get(key) ?? []), i]);
            }
            await new Promise(setImmediate);
            for (const key of keys) busy.delete(key);
          }),
        ),
      );
      for (const [, numbers] of order)
        assert.deepEqual(
          numbers,
          [...numbers].sort((a, b) => a - b),
        );
      blocker.resolve();
      await blocked;
    }),
    { numRuns: 50 },
  );
});

test("KeyedTurns goes on after a work that failed", async () => {
  const turns = new KeyedTurns();
  const failed = turns.run(["a"], () => Promise.reject(new Error("no")));
  const next = turns.run(["a"], async () => "yes");
  await assert.rejects(failed, /no/);
  assert.equal(await next, "yes");
});

test("prefixEnd() is above every key of the prefix, and below every other key that is above it", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string(), fc.string(), (prefix, rest, other) => {
      const end = Buffer.from(prefixEnd(prefix));
      assert.ok(Buffer.compare(Buffer.from(keyBytes(prefix + rest)), end) < 0);
      const key = Buffer.from(keyBytes(other));
      if (Buffer.compare(key, Buffer.from(keyBytes(prefix))) > 0 && !key.subarray(0, keyBytes(prefix).length).equals(keyBytes(prefix))) {
        assert.ok(Buffer.compare(key, end) >= 0);
      }
    }),
  );
});
