import assert from "node:assert/strict";
import { after, before, test, type TestContext } from "node:test";
import { silentLogger } from "#lib/logger.ts";
import { systemClock } from "#lib/system-clock.ts";
import { type Etcd, startEtcd } from "#test/etcd/etcd.ts";
import { type TcpProxy, tcpProxy } from "#test/etcd/tcp-proxy.ts";
import { CompactedError, type Store, type StoreEvent } from "../store.ts";
import { testStoreContract } from "../testing/contract.ts";
import { openEtcdStore } from "./etcd-store.ts";

let etcd: Etcd;
before(async () => {
  etcd = await startEtcd();
});
after(() => etcd.stop());

const common = { clock: systemClock, logger: silentLogger, onLost: assert.ifError };
const open = () => openEtcdStore({ ...common, endpoints: etcd.endpoints });

/** All tests share one etcd, whose revisions go on. */
async function emptied(): Promise<Store> {
  const store = await open();
  const { entries } = await store.list("/");
  for (const { key } of entries) await store.commit([{ key, value: undefined, expected: undefined }]);
  return store;
}

testStoreContract({
  name: "etcd store",
  open: emptied,
  async reopen(store) {
    await store.close();
    return open();
  },
});

const put = (name: string, value: string | Uint8Array, expected?: number) => [{ key: `/registry/${name}`, value: Buffer.from(value), expected }];

test("two stores on one etcd see each other's writes, and lose no step of a counter", async () => {
  const stores = [await emptied(), await open()];
  const increase = async (store: Store) => {
    for (;;) {
      const entry = await store.get("/registry/n");
      const next = entry === undefined ? 1 : Number(Buffer.from(entry.value).toString()) + 1;
      if ((await store.commit(put("n", String(next), entry?.modRevision ?? 0))).ok) return;
    }
  };
  const seen = stores.map((): StoreEvent[] => []);
  for (const [i, store] of stores.entries()) await store.watch("/registry/n", store.revision(), (events) => seen[i]!.push(...events));
  await Promise.all(Array.from({ length: 30 }, (_, i) => increase(stores[i % 2]!)));
  assert.equal(Buffer.from((await stores[0]!.get("/registry/n"))!.value).toString(), "30");
  await Promise.all(stores.map((store) => store.commit(put("end", "{}")))); // both have now seen all that was before
  assert.deepEqual(
    seen.map((events) => events.map(({ value }) => Buffer.from(value).toString())),
    seen.map(() => Array.from({ length: 30 }, (_, i) => String(i + 1))),
  );
  await Promise.all(stores.map((store) => store.close()));
});

test("list() takes more than fits into one answer", async () => {
  await (await emptied()).close();
  const store = await openEtcdStore({ ...common, endpoints: etcd.endpoints, maxMessageBytes: 100_000 });
  for (let i = 0; i < 40; i++) await store.commit(put(`big/${i}`, Buffer.alloc(9000, i)));
  const { entries, remaining } = await store.list("/registry/big/");
  assert.deepEqual([entries.length, remaining], [40, 0]);
  for (const { key, value } of entries) assert.ok(value.length === 9000 && value[0] === Number(key.slice("/registry/big/".length)));
  await store.close();
});

test("of several stores one compacts at a time, by upstream's key", async () => {
  const [first, second] = [await emptied(), await open()];
  for (let i = 0; i < 4; i++) await first.commit(put("a", String(i)));
  const revision = first.revision();
  await first.compact(revision - 2);
  await second.commit(put("b", "{}")); // so it is where the first is
  await second.compact(revision - 1);
  assert.equal((await second.list("/registry/", { revision: revision - 2 })).entries.length, 1, "the other had its turn; this one only learns of it");
  await second.compact(revision - 1);
  await assert.rejects(second.list("/registry/", { revision: revision - 2 }), CompactedError);
  assert.equal(Buffer.from((await first.get("compact_rev_key"))!.value).toString(), String(revision - 1));
  await Promise.all([first.close(), second.close()]);
});

/** A store whose way to etcd can be cut, and what it says when it has lost touch. */
async function behindProxy(t: TestContext): Promise<{ store: Store; proxy: TcpProxy; lost: Promise<Error> }> {
  const proxy = await tcpProxy(Number(new URL(etcd.endpoints[0]!).port));
  const { promise: lost, resolve } = Promise.withResolvers<Error>();
  const store = await openEtcdStore({ ...common, endpoints: [`http://127.0.0.1:${proxy.port}`], onLost: resolve });
  t.after(async () => {
    await store.close();
    proxy.close();
  });
  return { store, proxy, lost };
}

test("cut off and back, a store has the events of the meantime, and its writes of the meantime", async (t) => {
  const other = await emptied();
  const { store, proxy } = await behindProxy(t);
  const seen: string[] = [];
  await store.watch("/registry/", store.revision(), (events) => seen.push(...events.map(({ key }) => key)));
  proxy.cut();
  const written = store.commit(put("own", "{}", 0));
  for (let i = 0; i < 3; i++) await other.commit(put(`meanwhile/${i}`, "{}"));
  assert.match((await until(() => store.fault?.())) ?? "", /Unavailable|closed|ECONNRESET/);
  proxy.heal();
  assert.ok((await written).ok);
  assert.deepEqual(seen, ["/registry/meanwhile/0", "/registry/meanwhile/1", "/registry/meanwhile/2", "/registry/own"]);
  await until(() => store.fault?.() === undefined || undefined);
  await other.close();
});

test("cut off until what it has not seen is compacted away, a store says that it has lost touch", async (t) => {
  const other = await emptied();
  const { proxy, lost } = await behindProxy(t);
  proxy.cut();
  for (let i = 0; i < 3; i++) await other.commit(put("a", String(i)));
  await other.compact(other.revision());
  proxy.heal();
  assert.ok((await lost) instanceof CompactedError);
  await other.close();
});

test("an etcd that was set back, as by an old backup, is noticed", async (t) => {
  const own = await startEtcd();
  t.after(() => own.stop());
  const { promise: lost, resolve } = Promise.withResolvers<Error>();
  const store = await openEtcdStore({ ...common, endpoints: own.endpoints, onLost: resolve });
  await store.commit(put("a", "{}"));
  await own.members[0]!.kill();
  own.forget();
  await own.members[0]!.start();
  assert.match((await lost).message, /etcd is at revision 1, but has been at 2/);
  await store.close();
});

/** Asks until there is an answer. */
async function until<T>(check: () => T | undefined): Promise<T> {
  for (;;) {
    const answer = check();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
