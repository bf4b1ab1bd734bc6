import { after, before } from "node:test";
import { silentLogger } from "#lib/logger.ts";
import { systemClock } from "#lib/system-clock.ts";
import { type Etcd, startEtcd } from "#test/etcd/etcd.ts";
import type { Store } from "../store.ts";
import { testStoreContract } from "../testing/contract.ts";
import { openEtcdStore } from "./etcd-store.ts";

let etcd: Etcd;
before(async () => {
  etcd = await startEtcd();
});
after(() => etcd.stop());

const open = () =>
  openEtcdStore({
    endpoints: etcd.endpoints,
    clock: systemClock,
    logger: silentLogger,
    onLost: (error) => {
      throw error;
    },
  });

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
