import assert from "node:assert/strict";
import { test } from "node:test";
import { type Engine, GroupedStore } from "./grouped-store.ts";
import { RevisionedMap } from "./revisioned-map.ts";
import type { Entry, WriteOp } from "./store.ts";

/** Keeps values in memory; each `forget` waits until it is let go. */
class SlowEngine implements Engine<Entry> {
  readonly forgetting: { readonly compacted: number; readonly done: () => void }[] = [];
  running = 0;
  crowded = false;

  make({ key, value }: WriteOp, modRevision: number, createRevision: number): Entry {
    return { key, value: value!, createRevision, modRevision };
  }

  async write(): Promise<void> {}

  value({ value }: Entry): Uint8Array {
    return value;
  }

  values(versions: readonly Entry[]): Uint8Array[] {
    return versions.map(({ value }) => value);
  }

  async forget(_changes: readonly unknown[], compacted: number): Promise<void> {
    assert.equal(this.running++, 0, "one at a time");
    await new Promise<void>((done) => this.forgetting.push({ compacted, done }));
    this.running--;
  }

  isCrowded(): boolean {
    return this.crowded;
  }

  async close(): Promise<void> {}
}

const put = { key: "/registry/a", value: Buffer.from("{}"), expected: undefined };
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("GroupedStore.compact() waits for the compaction before it: rows must go in their order", async () => {
  const engine = new SlowEngine();
  const store = new GroupedStore(engine, new RevisionedMap<Entry>());
  for (let i = 0; i < 10; i++) await store.commit([put]);
  const both = Promise.all([store.compact(4), store.compact(8)]);
  await turn();
  assert.deepEqual(
    engine.forgetting.map(({ compacted }) => compacted),
    [4],
  );
  engine.forgetting[0]!.done();
  await turn();
  assert.equal(engine.forgetting[1]!.compacted, 8);
  engine.forgetting[1]!.done();
  await both;
});

test("GroupedStore compacts the older half of its history when its engine is crowded, without making writers wait", async () => {
  const engine = new SlowEngine();
  const store = new GroupedStore(engine, new RevisionedMap<Entry>());
  for (let i = 0; i < 10; i++) await store.commit([put]);
  engine.crowded = true;
  for (let i = 0; i < 10; i++) await store.commit([put]);
  await turn();
  assert.deepEqual(
    engine.forgetting.map(({ compacted }) => compacted),
    [6],
  );
  assert.equal(store.revision(), 20);
  engine.crowded = false;
  engine.forgetting[0]!.done();
  await turn();
  assert.equal(store.compactedRevision(), 6);
});
