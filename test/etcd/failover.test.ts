/** The etcd back end on a real cluster of three members with client certificates: endpoints die and hang while clients write. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { silentLogger } from "#lib/logger.ts";
import { systemClock } from "#lib/system-clock.ts";
import { openEtcdStore } from "#storage/etcd/etcd-store.ts";
import { OutcomeUnknownError, type Store, type StoreEvent, StoreUnreachableError } from "#storage/store.ts";
import { type Etcd, startEtcd } from "./etcd.ts";
import { testPki, type TestPki } from "#test/pki/test-pki.ts";

let pki: TestPki;
let etcd: Etcd;
let client: { readonly ca: string; readonly cert: string; readonly key: string };
const stores: Store[] = [];

before(async () => {
  pki = await testPki();
  client = { ca: pki.ca, ...(await pki.client("skiff")) };
  etcd = await startEtcd({ members: 3, tls: pki });
});
afterEach(() => Promise.all(stores.splice(0).map((store) => store.close())));
after(() => etcd?.stop());

async function open(endpoints: readonly string[] = etcd.endpoints, tls: object = client, openTimeoutMs = 10_000): Promise<Store> {
  const store = await openEtcdStore({ endpoints, tls, clock: systemClock, logger: silentLogger, onLost: assert.ifError, openTimeoutMs });
  stores.push(store);
  return store;
}

const text = (value: Uint8Array) => Buffer.from(value).toString();
const root = (name: string) => `/registry/${name}/`;

/** Keeps a history of a prefix, and asserts that it rises. */
async function record(store: Store, prefix: string): Promise<StoreEvent[]> {
  const events: StoreEvent[] = [];
  await store.watch(prefix, store.revision(), (batch) => {
    assert.ok((events.at(-1)?.revision ?? 0) < batch[0]!.revision);
    events.push(...batch);
  });
  return events;
}

interface Tally {
  /** Acknowledged: revision by key and value. */
  readonly written: Map<string, number>;
  readonly unknown: Set<string>;
}

/** Eight writers that create and update their own objects until told to stop; whatever they are answered is held against the events. */
async function writeDuring(store: Store, prefix: string, disturb: () => Promise<void>): Promise<Tally> {
  const tally: Tally = { written: new Map(), unknown: new Set() };
  let stop = false;
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    let expected = 0;
    for (let i = 0; !stop; i++) {
      const value = `${writer}-${i}`;
      try {
        const result = await store.commit([{ key: `${prefix}${writer}`, value: Buffer.from(value), expected }]);
        assert.ok(result.ok, `${value} lost a race, though nobody else writes its key`);
        tally.written.set(value, result.revision);
        expected = result.revision;
      } catch (error) {
        assert.ok(error instanceof OutcomeUnknownError || error instanceof StoreUnreachableError, String(error));
        if (error instanceof OutcomeUnknownError) tally.unknown.add(value);
        expected = (await store.get(`${prefix}${writer}`))?.modRevision ?? 0;
      }
    }
  });
  const enough = (more: number) => until(() => tally.written.size >= more);
  try {
    await enough(50);
    await disturb();
    await enough(tally.written.size + 100);
  } finally {
    stop = true;
  }
  await Promise.all(writers);
  return tally;
}

async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Every acknowledged write is one event at its revision; nothing else happened but what was answered as unknown. */
function assertSame(events: readonly StoreEvent[], { written, unknown }: Tally): void {
  const shown = new Map(events.map(({ value, revision }) => [text(value), revision]));
  assert.equal(shown.size, events.length, "an event came twice");
  for (const [value, revision] of written) assert.equal(shown.get(value), revision, `write ${value}`);
  for (const value of shown.keys()) assert.ok(written.has(value) || unknown.has(value), `${value} was written, but its writer was told otherwise`);
}

test("an endpoint is killed in the middle of writes: all are resolved, and watches go on without a gap", async () => {
  const store = await open();
  const other = await open([...etcd.endpoints].reverse());
  const events = await record(store, root("killed"));
  const elsewhere = await record(other, root("killed"));
  const tally = await writeDuring(store, root("killed"), () => etcd.members[0]!.kill());
  assert.equal(tally.unknown.size, 0);
  assertSame(events, tally);
  await until(() => elsewhere.length >= events.length);
  assertSame(elsewhere, tally);
  await etcd.members[0]!.start();
});

test("an endpoint hangs: pings notice, writes are resolved elsewhere", async () => {
  const store = await open([etcd.endpoints[1]!, etcd.endpoints[2]!]);
  const events = await record(store, root("hung"));
  const tally = await writeDuring(store, root("hung"), () => etcd.members[1]!.freeze());
  etcd.members[1]!.thaw();
  assert.equal(tally.unknown.size, 0);
  assertSame(events, tally);
});

test("the whole cluster is killed while clients write, and starts again: everything goes on, nothing acknowledged is lost", async () => {
  const store = await open();
  const events = await record(store, root("dark"));
  const tally = await writeDuring(store, root("dark"), async () => {
    await Promise.all(etcd.members.map((member) => member.kill()));
    await Promise.all(etcd.members.map((member) => member.start()));
  });
  assertSame(events, tally);
});

test("a write without expectation whose answer is lost says that its outcome is unknown", async () => {
  const store = await open([etcd.endpoints[0]!]);
  const before = store.revision();
  await etcd.members[0]!.freeze();
  const write = store.commit([{ key: `${root("lost")}x`, value: Buffer.from("x"), expected: undefined }]);
  await new Promise(setImmediate); // it is on its way
  await Promise.all([assert.rejects(write, (error) => error instanceof OutcomeUnknownError), etcd.members[0]!.kill().then(() => etcd.members[0]!.start())]);
  await until(() => store.revision() >= before);
});

test("a minority refuses, as its leader is gone, and says so", async () => {
  await etcd.members[1]!.kill();
  await etcd.members[2]!.kill();
  await assert.rejects(
    openEtcdStore({ endpoints: [etcd.endpoints[0]!], tls: client, clock: systemClock, logger: silentLogger, onLost: assert.ifError, openTimeoutMs: 1000 }),
    StoreUnreachableError,
  );
  await Promise.all([etcd.members[1]!.start(), etcd.members[2]!.start()]);
});

for (const { what, tls, certificate, reason } of [
  {
    what: "an authority that did not sign etcd's certificate",
    tls: async () => ({ ...client, ca: (await testPki()).ca }),
    certificate: true,
    reason: /certificate/,
  },
  { what: "no client certificate", tls: async () => ({ ca: client.ca }), certificate: true, reason: /certificate|alert/ },
  {
    what: "a client certificate of another authority",
    tls: async () => ({ ca: client.ca, ...(await (await testPki()).client("x")) }),
    certificate: true,
    reason: /certificate|alert/,
  },
]) {
  test(`openEtcdStore() with ${what} fails without waiting and names every endpoint and reason`, async () => {
    await assert.rejects(open(etcd.endpoints, await tls(), 600_000), (error) => {
      assert.ok(error instanceof StoreUnreachableError);
      assert.deepEqual(
        error.failures.map(({ endpoint }) => endpoint),
        etcd.endpoints,
      );
      for (const failure of error.failures) {
        assert.equal(failure.certificate, certificate, failure.reason);
        assert.match(failure.reason, reason);
      }
      return true;
    });
  });
}

test("openEtcdStore() names endpoints on which nobody listens", async () => {
  await assert.rejects(
    openEtcdStore({ endpoints: ["http://127.0.0.1:1"], clock: systemClock, logger: silentLogger, onLost: assert.ifError, openTimeoutMs: 100 }),
    /http:\/\/127\.0\.0\.1:1: connect ECONNREFUSED/,
  );
});
