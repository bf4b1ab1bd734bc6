import assert from "node:assert/strict";
import { test } from "node:test";

import type { Lease } from "#api/coordination-v1/types.ts";
import { builtin } from "#api/resources.ts";
import { startTestServer } from "#test/api-server/test-server.ts";
import type { Call } from "#apiserver/registry/types.ts";
import { LOOPBACK_USER } from "#apiserver/user.ts";
import { silentLogger } from "#lib/logger.ts";
import { SimClock } from "#lib/sim-clock.ts";

import { IdentityLease, serverIdOf } from "./identity-lease.ts";

const LEASES = builtin<Lease>("coordination.k8s.io", "v1", "leases");

test("serverIdOf() is the same for a host, and 26 letters long", () => {
  assert.match(serverIdOf("a"), /^apiserver-[a-z2-7]{26}$/);
  assert.equal(serverIdOf("a"), serverIdOf("a"));
  assert.notEqual(serverIdOf("a"), serverIdOf("b"));
});

test("IdentityLease says that the server runs, and removes what servers of long ago have left", async () => {
  const { server, close } = await startTestServer();
  const clock = new SimClock(Date.parse("2026-01-01T00:00:00Z"));
  const perform = (call: Call) => server.pipeline.perform(call, LOOPBACK_USER);
  const deps = { reader: server.reader, perform, clock, logger: silentLogger };
  const leaseOf = (hostname: string) => server.reader.lookup(LEASES, "kube-system", serverIdOf(hostname));
  try {
    const gone = new IdentityLease({ ...deps, newUid: () => "1", hostname: "gone" });
    await gone.renew();
    const own = new IdentityLease({ ...deps, newUid: () => "2", hostname: "own" });
    await own.renew();
    assert.deepEqual(leaseOf("own")?.metadata.labels, { "apiserver.kubernetes.io/identity": "kube-apiserver", "kubernetes.io/hostname": "own" });
    assert.equal(leaseOf("own")?.spec?.holderIdentity, `${serverIdOf("own")}_2`);
    clock.advance(3_601_000);
    await own.renew();
    assert.equal(leaseOf("own")?.spec?.renewTime, "2026-01-01T01:00:01.000000Z");
    assert.ok(leaseOf("gone"));
    await own.sweep();
    assert.deepEqual([leaseOf("gone"), leaseOf("own")?.spec?.leaseDurationSeconds], [undefined, 3600]);
  } finally {
    await close();
  }
});
