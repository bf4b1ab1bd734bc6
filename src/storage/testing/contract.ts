import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareBytes } from "#lib/compare-bytes.ts";
import { CompactedError, type Store, type StoreEvent, type WriteOp } from "../store.ts";

export interface ContractSubject {
  readonly name: string;
  /** An empty store, at whatever revision; the suite closes it. Nobody else writes to it. */
  open(): Promise<Store>;
  /** Ends the store and opens what it has left, where it leaves anything. */
  readonly reopen?: (store: Store) => Promise<Store>;
}

const ROOT = "/registry/";
const text = (value: Uint8Array) => Buffer.from(value).toString();
const put = (name: string, value: string, expected?: number): WriteOp => ({ key: ROOT + name, value: Buffer.from(value), expected });
const remove = (name: string, expected?: number): WriteOp => ({ key: ROOT + name, value: undefined, expected });
/** With revisions counted from the empty store's. */
const briefFrom =
  (base: number) =>
  ({ type, key, value, revision, createRevision }: StoreEvent) =>
    `${revision - base} ${type} ${key.slice(ROOT.length)}=${text(value)} since ${createRevision - base}`;

/** What every back end must do; each registers these tests for itself. */
export function testStoreContract(subject: ContractSubject): void {
  const it = (fact: string, run: (store: Store, base: number) => Promise<void>) =>
    void test(`${subject.name}: ${fact}`, async () => {
      const store = await subject.open();
      try {
        await run(store, store.revision());
      } finally {
        await store.close();
      }
    });

  it("a transaction that writes takes the next revision, one that writes nothing takes none", async (store, base) => {
    assert.deepEqual(await store.commit([put("a", "1"), put("b", "1")]), { ok: true, revision: base + 1 });
    assert.deepEqual(await store.commit([remove("none")]), { ok: true, revision: base + 1 });
    assert.deepEqual(await store.commit([put("a", "2"), remove("b")]), { ok: true, revision: base + 2 });
    assert.equal(store.revision(), base + 2);
    const entry = await store.get(`${ROOT}a`);
    assert.deepEqual({ ...entry, value: text(entry!.value) }, { key: `${ROOT}a`, value: "2", createRevision: base + 1, modRevision: base + 2 });
    assert.equal(await store.get(`${ROOT}b`), undefined);
  });

  it("a transaction whose expectation fails writes nothing and says what stands there", async (store, base) => {
    await store.commit([put("a", "1", 0)]);
    const result = await store.commit([put("b", "1", 0), put("a", "2", base + 7)]);
    assert.ok(!result.ok && result.index === 1);
    assert.equal(result.current!.modRevision, base + 1);
    assert.equal(text(result.current!.value), "1");
    assert.equal(await store.get(`${ROOT}b`), undefined);
    assert.deepEqual(await store.commit([remove("b", base + 3)]), { ok: false, index: 0, current: undefined });
    assert.equal((await store.commit([put("a", "2", base + 1), put("b", "1", 0)])).ok, true);
    await assert.rejects(store.commit([put("a", "1"), put("a", "2")]), TypeError);
  });

  it("of many concurrent writes on one expectation one wins, and the losers are told of the winner", async (store, base) => {
    const results = await Promise.all(Array.from({ length: 20 }, (_, i) => store.commit([put("a", `${i}`, 0)])));
    assert.deepEqual(results[0], { ok: true, revision: base + 1 });
    for (const result of results.slice(1)) assert.ok(!result.ok && result.current!.modRevision === base + 1 && text(result.current!.value) === "0");
  });

  it("a counter that many increase loses no step", async (store, base) => {
    const increase = async () => {
      for (;;) {
        const entry = await store.get(`${ROOT}n`);
        const result = await store.commit([put("n", String(Number(entry ? text(entry.value) : 0) + 1), entry?.modRevision ?? 0)]);
        if (result.ok) return;
      }
    };
    await Promise.all(Array.from({ length: 16 }, increase));
    assert.equal(text((await store.get(`${ROOT}n`))!.value), "16");
    assert.equal(store.revision(), base + 16);
  });

  it("a watch gives the events of its prefix, from the past and live, before the writer is answered", async (store, base) => {
    const seen: string[] = [];
    await store.commit([put("a/1", "x"), put("b/1", "x")]);
    await store.commit([put("a/1", "y")]);
    await store.watch(`${ROOT}a/`, base + 1, (events) => seen.push(...events.map(briefFrom(base))));
    await store.commit([remove("a/1"), put("a/2", "z")]);
    await store.commit([put("b/2", "z")]);
    assert.deepEqual(seen, ["2 put a/1=y since 1", "3 delete a/1=y since 1", "3 put a/2=z since 3"]);
  });

  it("a watch hands on attachments, and gives nothing after stop()", async (store, base) => {
    const seen: unknown[] = [];
    const watch = await store.watch(ROOT, base, (events) => seen.push(...events.map(({ attachment }) => attachment)));
    const attachment = { decoded: true };
    await store.commit([{ ...put("a", "1"), attachment }]);
    watch.stop();
    await store.commit([put("a", "2")]);
    assert.deepEqual(seen, [attachment]);
    assert.equal(seen[0], attachment);
  });

  it("concurrent writers give every watch the same events: in order, each once, without gaps", async (store, base) => {
    const live: string[] = [];
    let lastCall = 0;
    await store.watch(ROOT, base, (events) => {
      assert.ok(events[0]!.revision > lastCall, "the events of a revision come in one call");
      lastCall = events.at(-1)!.revision;
      live.push(...events.map(briefFrom(base)));
    });
    await Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        for (let i = 0; i < 20; i++) await store.commit(i % 5 === 4 ? [remove(`${writer}`)] : [put(`${writer}`, `${i}`), put(`${writer}/x`, `${i}`)]);
      }),
    );
    const past: string[] = [];
    await store.watch(ROOT, base, (events) => past.push(...events.map(briefFrom(base))));
    assert.deepEqual(past, live);
    assert.equal(new Set(live).size, live.length);
    const revisions = [...new Set(live.map((line) => Number(line.split(" ")[0])))];
    assert.deepEqual(
      revisions,
      Array.from({ length: store.revision() - base }, (_, i) => i + 1),
    );
  });

  it("compact() forgets the states before and the events up to the revision, no more", async (store, base) => {
    for (let i = 1; i <= 4; i++) await store.commit([put("a", `${i}`)]);
    await store.commit([remove("a")]);
    await store.compact(base + 3);
    await assert.rejects(store.list(ROOT, { revision: base + 2 }), (error) => error instanceof CompactedError && error.compactedRevision === base + 3);
    await assert.rejects(
      store.watch(ROOT, base + 2, () => {}),
      CompactedError,
    );
    assert.equal(text((await store.list(ROOT, { revision: base + 3 })).entries[0]!.value), "3");
    const seen: string[] = [];
    await store.watch(ROOT, base + 3, (events) => seen.push(...events.map(briefFrom(base))));
    assert.deepEqual(seen, ["4 put a=4 since 1", "5 delete a=4 since 1"]);
    await store.compact(base + 100);
    await rises(store, base + 5);
  });

  it("compact() at a delete forgets the delete, too: a watch from before it is refused", async (store, base) => {
    await store.commit([put("a", "1")]);
    await store.commit([put("b", "1")]);
    await store.commit([remove("a")]);
    await store.compact(base + 3);
    await assert.rejects(
      store.watch(ROOT, base + 2, () => {}),
      CompactedError,
    );
  });

  it("list() at any revision, in pages of any size, is the model's state in order of the key's bytes", async (store) => {
    const keys = ["a", "a/b", "a0", "B", "é", "\u{1F600}", "\uFF21", "a/c"];
    const step = fc.record({ key: fc.constantFrom(...keys), value: fc.option(fc.string({ maxLength: 3 }), { freq: 3 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { maxLength: 12 }), fc.integer({ min: 1, max: 5 }), async (history, limit) => {
        const root = `${ROOT}${store.revision()}/`;
        const states = new Map([[store.revision(), new Map<string, string>()]]);
        for (const steps of history) {
          const state = new Map([...states.values()].at(-1)!);
          const ops = [...new Map(steps.map((each) => [each.key, each])).values()];
          for (const { key, value } of ops) {
            if (value === null) state.delete(root + key);
            else state.set(root + key, value);
          }
          const result = await store.commit(
            ops.map(({ key, value }) => ({ key: root + key, value: value === null ? undefined : Buffer.from(value), expected: undefined })),
          );
          assert.ok(result.ok);
          states.set(result.revision, state);
        }
        for (const [revision, state] of states) {
          const want = [...state].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
          assert.deepEqual(await pages(store, root, revision, limit), want);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("refuses work after close()", async (store) => {
    await store.close();
    await assert.rejects(store.commit([put("a", "1")]), /closed/);
    await assert.rejects(
      store.watch(ROOT, 0, () => {}),
      /closed/,
    );
  });

  if (subject.reopen === undefined) return;
  const { reopen } = subject;

  it("reopened, it has its state and its history, and its revisions go on", async (store, base) => {
    await store.commit([put("a", "1"), put("b", "1")]);
    await store.commit([put("a", "2")]);
    await store.compact(base + 2);
    const result = await store.commit([remove("b"), put("c", "3")]);
    const again = await reopen(store);
    assert.equal(again.revision(), result.ok && result.revision);
    const seen: string[] = [];
    await again.watch(ROOT, base + 2, (events) => seen.push(...events.map(({ type, key, value }) => `${type} ${key.slice(ROOT.length)}=${text(value)}`)));
    assert.deepEqual(seen, ["delete b=1", "put c=3"]);
    assert.deepEqual(await pages(again, ROOT, base + 2, 10), [
      [`${ROOT}a`, "2"],
      [`${ROOT}b`, "1"],
    ]);
    await assert.rejects(again.list(ROOT, { revision: base + 1 }), CompactedError);
    assert.ok((await again.commit([put("a", "4", base + 2)])).ok);
    await again.close();
  });

  it("reopened after its newest entries were deleted and compacted, its revision has not fallen", async (store, base) => {
    await store.commit([put("a", "1")]);
    await store.commit([remove("a")]);
    await store.compact(base + 2);
    const again = await reopen(store);
    assert.ok(again.revision() >= base + 2);
    assert.deepEqual((await again.list(ROOT)).entries, []);
    await rises(again, base + 2);
    await again.close();
  });
}

/** The next write's revision is above `revision`. */
async function rises(store: Store, revision: number): Promise<void> {
  const result = await store.commit([put("a", "next", 0)]);
  assert.ok(result.ok && result.revision > revision && result.revision === store.revision());
}

async function pages(store: Store, prefix: string, revision: number, limit: number): Promise<[string, string][]> {
  const all: [string, string][] = [];
  for (let startKey = prefix; ; ) {
    const { entries, remaining, revision: shown } = await store.list(prefix, { revision, limit, startKey });
    assert.equal(shown, revision);
    all.push(...entries.map(({ key, value }): [string, string] => [key, text(value)]));
    const rest = await store.list(prefix, { revision, startKey });
    assert.equal(remaining, rest.entries.length - entries.length);
    if (remaining === 0) return all;
    const last = entries.at(-1)!.key;
    assert.ok(compareBytes(last, startKey) >= 0);
    startKey = `${last}\0`;
  }
}
