import assert from "node:assert/strict";
import { test } from "node:test";
import { SkiffError } from "./errors.ts";
import { type Claims, requireOwnAddresses } from "./neighbours.ts";
import { networksOverlap } from "./settings.ts";

const first: Claims = {
  dataDir: "/var/lib/skiff",
  clusterCidr: "10.42.0.0/16",
  serviceCidr: "10.43.0.0/16",
  nodePortRange: { from: 30_000, to: 32_767 },
  kubeconfigs: ["/root/.kube/config"],
};
const second: Claims = {
  ...first,
  dataDir: "/srv/second",
  clusterCidr: "10.50.0.0/16",
  serviceCidr: "10.51.0.0/16",
  nodePortRange: { from: 28_000, to: 29_999 },
};

function refusal(own: Claims, others: readonly Claims[]): SkiffError | undefined {
  try {
    requireOwnAddresses(own, others);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof SkiffError && error.id === "SKF-1104");
    return error;
  }
}

test("requireOwnAddresses() lets clusters side by side that share nothing", () => {
  assert.equal(refusal(second, [first]), undefined);
  assert.equal(refusal(first, []), undefined);
});

for (const { name, own, message, flags } of [
  {
    name: "everything",
    own: { ...first, dataDir: "/srv/b" },
    message: "pod network 10.42.0.0/16 and service network 10.43.0.0/16 and node port range 30000-32767 are taken by the cluster in /var/lib/skiff",
    flags: "--cluster-cidr 10.44.0.0/16 --service-cidr 10.45.0.0/16 --service-node-port-range 28000-29999",
  },
  {
    name: "a part of the pods' network",
    own: { ...second, clusterCidr: "10.40.0.0/14" },
    message: "pod network 10.40.0.0/14 is taken by the cluster in /var/lib/skiff",
    flags: "--cluster-cidr 10.44.0.0/16",
  },
  {
    name: "services where the other has pods",
    own: { ...second, serviceCidr: "10.42.128.0/20" },
    message: "service network 10.42.128.0/20 is taken by the cluster in /var/lib/skiff",
    flags: "--service-cidr 10.45.0.0/16",
  },
  {
    name: "one node port",
    own: { ...second, nodePortRange: { from: 29_000, to: 30_000 } },
    message: "node port range 29000-30000 is taken by the cluster in /var/lib/skiff",
    flags: "--service-node-port-range 28000-29999",
  },
]) {
  test(`requireOwnAddresses() refuses ${name} and gives flags that would do`, () => {
    const error = refusal(own, [first]);
    assert.equal(error?.message, message);
    assert.equal(error?.exitCode, 11);
    assert.equal(error?.remedy, `./skiff up --data-dir ${own.dataDir} ${flags}`);
  });
}

test("requireOwnAddresses() refuses a second cluster of the same name in one kubeconfig", () => {
  const twin = { ...second, dataDir: "/other/second" };
  assert.match(
    refusal({ ...twin, clusterCidr: "10.60.0.0/16", serviceCidr: "10.61.0.0/16", nodePortRange: { from: 1, to: 2 } }, [second])?.message ?? "",
    /skiff-second/,
  );
  assert.equal(refusal({ ...twin, ...first, dataDir: "/other/second", kubeconfigs: ["/tmp/else"] }, [second]), undefined);
});

test("networksOverlap() looks at addresses, not at texts", () => {
  assert.ok(networksOverlap("10.0.0.0/8", "10.255.255.252/30") && networksOverlap("10.1.2.0/24", "10.1.0.0/16"));
  assert.ok(!networksOverlap("10.1.0.0/16", "10.2.0.0/16") && !networksOverlap("10.1.2.0/30", "10.1.2.4/30"));
});
