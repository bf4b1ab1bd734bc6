import assert from "node:assert/strict";
import { test } from "node:test";

import type { Deployment } from "#api/apps-v1/types.ts";
import { DEPLOYMENTS, EVENTS, PODS, REPLICA_SETS } from "#api/builtin.ts";
import type { Draft } from "#apimachinery/object.ts";
import { startDeployments } from "#controllers/deployment/controller.ts";
import { startReplicaSets } from "#controllers/replicaset/controller.ts";
import { testCluster, type Cluster } from "#controllers/testing/cluster.ts";

const startBoth = (deps: Cluster["deps"]) => {
  startReplicaSets(deps);
  startDeployments(deps);
};

function web(spec: object = {}, image = "app:1"): Draft<Deployment> {
  return {
    metadata: { namespace: "default", name: "web" },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "main", image }] } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      ...spec,
    },
  };
}

const setImage = (cluster: Cluster, image: string) =>
  cluster.client.patch(DEPLOYMENTS, { namespace: "default", name: "web" }, "merge", {
    spec: { template: { spec: { containers: [{ name: "main", image }] } } },
  });

const scaling = ({ transport }: Cluster) =>
  transport
    .objects(EVENTS)
    .filter(({ reason }) => reason === "ScalingReplicaSet")
    .map(({ message }) => message);

const sizes = ({ transport }: Cluster) =>
  transport
    .objects(REPLICA_SETS)
    .map(({ metadata, spec }) => [metadata.annotations?.["deployment.kubernetes.io/revision"], spec.replicas])
    .sort();

test("a deployment comes up, and then writes nothing more", async () => {
  const cluster = testCluster(startBoth);
  await cluster.client.create(DEPLOYMENTS, web());
  await cluster.settle();
  const [deployment] = cluster.transport.objects(DEPLOYMENTS);
  const [set] = cluster.transport.objects(REPLICA_SETS);
  assert.equal(set!.metadata.name.startsWith("web-"), true);
  assert.equal(cluster.transport.objects(PODS).length, 3);
  assert.deepEqual(scaling(cluster), [`Scaled up replica set ${set!.metadata.name} from 0 to 3`]);
  const { conditions = [], ...counts } = deployment!.status;
  assert.deepEqual(counts, { observedGeneration: 1, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3, terminatingReplicas: 0 });
  assert.deepEqual(conditions.map(({ type, status, reason }) => [type, status, reason]).sort(), [
    ["Available", "True", "MinimumReplicasAvailable"],
    ["Progressing", "True", "NewReplicaSetAvailable"],
  ]);
  const { revision } = cluster.transport;
  await cluster.pass(30);
  assert.equal(cluster.transport.revision, revision);
  assert.deepEqual(cluster.complaints, []);
  cluster.stop();
});

test("an update rolls on within surge and unavailable, and keeps the old set", async () => {
  const cluster = testCluster(startBoth);
  await cluster.client.create(DEPLOYMENTS, web({ replicas: 4 }));
  await cluster.settle();
  let mostPods = 0;
  let leastReady = 4;
  cluster.deps.informers.informer(PODS).onChange({
    updated: () => {
      const pods = cluster.transport.objects(PODS).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      mostPods = Math.max(mostPods, pods.length);
      leastReady = Math.min(leastReady, pods.filter(({ status }) => status.conditions?.some(({ status: is }) => is === "True")).length);
    },
  });
  await setImage(cluster, "app:2");
  await cluster.settle();
  assert.deepEqual(sizes(cluster), [
    ["1", 0],
    ["2", 4],
  ]);
  assert.ok(mostPods <= 5 && leastReady >= 3, `${mostPods} pods at most, ${leastReady} ready at least`);
  assert.equal(cluster.transport.objects(DEPLOYMENTS)[0]!.metadata.annotations?.["deployment.kubernetes.io/revision"], "2");
  assert.deepEqual(cluster.complaints, []);
  cluster.stop();
});

test("a rollout that does not come up stops half-way, and tells when its deadline has passed", async () => {
  const cluster = testCluster(startBoth, ({ spec }) => (spec.containers[0]!.image === "bad" ? "unready" : "ready"));
  await cluster.client.create(DEPLOYMENTS, web({ replicas: 4, progressDeadlineSeconds: 60 }));
  await cluster.settle();
  await setImage(cluster, "bad");
  await cluster.pass(30);
  assert.deepEqual(sizes(cluster), [
    ["1", 3],
    ["2", 2],
  ]);
  await cluster.pass(32);
  const progressing = cluster.transport.objects(DEPLOYMENTS)[0]!.status.conditions?.find(({ type }) => type === "Progressing");
  assert.deepEqual([progressing?.status, progressing?.reason], ["False", "ProgressDeadlineExceeded"]);
  await setImage(cluster, "app:1");
  await cluster.settle();
  assert.deepEqual(sizes(cluster), [
    ["2", 0],
    ["3", 4],
  ]);
  assert.equal(
    cluster.transport.objects(REPLICA_SETS).find(({ spec }) => spec.replicas === 4)!.metadata.annotations?.["deployment.kubernetes.io/revision-history"],
    "1",
  );
  cluster.stop();
});

test("Recreate starts new pods only when the old are gone", async () => {
  const cluster = testCluster(startBoth);
  await cluster.client.create(DEPLOYMENTS, web({ strategy: { type: "Recreate" } }));
  await cluster.settle();
  const images = new Set<string>();
  cluster.deps.informers.informer(PODS).onChange({
    added: () => images.add([...new Set(cluster.transport.objects(PODS).map(({ spec }) => spec.containers[0]!.image))].sort().join()),
  });
  images.clear();
  await setImage(cluster, "app:2");
  await cluster.settle();
  assert.deepEqual([...images], ["app:2"]);
  assert.deepEqual(sizes(cluster), [
    ["1", 0],
    ["2", 3],
  ]);
  cluster.stop();
});

test("a rollout that is under way when the strategy becomes Recreate and the size changes comes to an end, too", async () => {
  const cluster = testCluster(startBoth, ({ spec }) => (spec.containers[0]?.image === "app:2" ? "unready" : "ready"));
  await cluster.client.create(DEPLOYMENTS, web());
  await cluster.settle();
  await setImage(cluster, "app:2");
  await cluster.settle();
  assert.ok(sizes(cluster).every(([, size]) => size !== 0));
  const strategy = { type: "Recreate", rollingUpdate: null };
  await cluster.client.patch(DEPLOYMENTS, { namespace: "default", name: "web" }, "merge", { spec: { strategy, replicas: 1 } });
  await setImage(cluster, "app:3");
  await cluster.settle();
  assert.deepEqual(sizes(cluster), [
    ["1", 0],
    ["2", 0],
    ["3", 1],
  ]);
  cluster.stop();
});

test("a paused deployment is scaled, but not rolled on; history beyond its limit goes", async () => {
  const cluster = testCluster(startBoth);
  const patch = (spec: object) => cluster.client.patch(DEPLOYMENTS, { namespace: "default", name: "web" }, "merge", { spec });
  await cluster.client.create(DEPLOYMENTS, web({ revisionHistoryLimit: 1 }));
  await cluster.settle();
  await patch({ paused: true });
  await setImage(cluster, "app:2");
  await patch({ replicas: 5 });
  await cluster.settle();
  assert.deepEqual(sizes(cluster), [["1", 5]]);
  await patch({ paused: null });
  await cluster.settle();
  await setImage(cluster, "app:3");
  await cluster.settle();
  assert.deepEqual(sizes(cluster), [
    ["2", 0],
    ["3", 5],
  ]);
  cluster.stop();
});

test("rollback by annotation brings an earlier template back", async () => {
  const cluster = testCluster(startBoth);
  await cluster.client.create(DEPLOYMENTS, web());
  await cluster.settle();
  await setImage(cluster, "app:2");
  await cluster.settle();
  const annotations = { "deprecated.deployment.rollback.to": "1" };
  await cluster.client.patch(DEPLOYMENTS, { namespace: "default", name: "web" }, "merge", { metadata: { annotations } });
  await cluster.settle();
  const [deployment] = cluster.transport.objects(DEPLOYMENTS);
  assert.equal(deployment!.spec.template.spec.containers[0]!.image, "app:1");
  assert.deepEqual(deployment!.metadata.annotations, { "deployment.kubernetes.io/revision": "3" });
  assert.deepEqual(sizes(cluster), [
    ["2", 0],
    ["3", 3],
  ]);
  assert.ok(
    cluster.transport
      .objects(EVENTS)
      .some(({ reason, message }) => reason === "DeploymentRollback" && message === 'Rolled back deployment "web" to revision 1'),
  );
  cluster.stop();
});

test("an old set that is taken down for two reasons at once is told of twice", async () => {
  let isFirst = true;
  const states = new Map<string, "ready" | "unready">();
  const cluster = testCluster(startBoth, ({ metadata, spec }) => {
    const state = states.get(metadata.name) ?? (isFirst && spec.containers[0]!.image === "app:1" ? "unready" : "ready");
    isFirst = false;
    states.set(metadata.name, state);
    return state;
  });
  await cluster.client.create(DEPLOYMENTS, web({ strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 2 } } }));
  await cluster.settle();
  const [old] = cluster.transport.objects(REPLICA_SETS);
  await setImage(cluster, "app:2");
  await cluster.settle();
  const told = scaling(cluster).filter((message = "") => message.startsWith(`Scaled down replica set ${old!.metadata.name} `));
  assert.deepEqual(told.map((message = "") => message.slice(message.indexOf("from "))).slice(0, 2), ["from 3 to 2", "from 2 to 1"]);
  cluster.stop();
});
