import type { Deployment, ReplicaSet } from "#api/apps-v1/types.ts";
import { isPodActive, isPodFinished, isPodReady } from "#api/core-v1/pod/status.ts";
import type { Endpoints, Node, Pod, Service } from "#api/core-v1/types.ts";
import type { EndpointSlice } from "#api/discovery-v1/types.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { sameJson } from "#lib/same-json.ts";

import { NODES_PREFIX, PODS_PREFIX } from "./check-pods.ts";
import { type Case, uidOf } from "./judge.ts";

/** What must be there when nothing goes wrong any more and enough time has passed: what is declared, and nothing else. */
export function checkRest(of: Case, running: ReadonlyMap<string, string>): void {
  checkDeployments(of);
  checkSets(of);
  checkPods(of, running);
  checkServices(of);
  checkGarbage(of);
  checkNamespaces(of);
  checkNodes(of);
}

const at = ({ metadata }: KubeObject) => (metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name);
const ownerUid = ({ metadata }: KubeObject) => metadata.ownerReferences?.find(({ controller }) => controller)?.uid;
const replicasOf = (object: { readonly spec?: { readonly replicas?: number | undefined } | undefined }) => object.spec?.replicas ?? 1;
const isAll = (labels: Readonly<Record<string, string>> | undefined, wanted: Readonly<Record<string, string>>) =>
  Object.entries(wanted).every(([key, value]) => labels?.[key] === value);

function checkDeployments({ disk, accuse }: Case): void {
  const sets = disk.list<ReplicaSet>("/registry/replicasets/");
  for (const deployment of disk.list<Deployment>("/registry/deployments/")) {
    const { spec, status, metadata } = deployment;
    const what = `deployment ${at(deployment)}`;
    const replicas = replicasOf(deployment);
    const own = sets.filter((set) => ownerUid(set) === uidOf(deployment));
    const active = own.filter((set) => replicasOf(set) > 0);
    const image = spec.template.spec.containers[0]?.image;
    if (status?.observedGeneration !== metadata.generation) accuse(`${what}: generation ${metadata.generation} was not observed`);
    const sizes = active.map((set) => [set.spec.template.spec.containers[0]?.image, replicasOf(set)]);
    if (!sameJson(sizes, replicas > 0 ? [[image, replicas]] : [])) accuse(`${what}: its sets are ${JSON.stringify(sizes)}, wanted is ${image} × ${replicas}`);
    const counts = [status?.replicas ?? 0, status?.updatedReplicas ?? 0, status?.readyReplicas ?? 0, status?.availableReplicas ?? 0];
    if (counts.some((count) => count !== replicas) || (status?.unavailableReplicas ?? 0) !== 0 || (status?.terminatingReplicas ?? 0) !== 0)
      accuse(`${what}: status says ${JSON.stringify(status)} of ${replicas} replicas`);
    const conditions = Object.fromEntries((status?.conditions ?? []).map(({ type, status: is }) => [type, is]));
    if (conditions["Available"] !== "True" || conditions["Progressing"] !== "True") accuse(`${what}: its conditions are ${JSON.stringify(status?.conditions)}`);
    const old = own.filter((set) => replicasOf(set) === 0 && set.spec.template.spec.containers[0]?.image !== image);
    if (old.length > (spec.revisionHistoryLimit ?? 10)) accuse(`${what}: ${old.length} old sets are kept`);
  }
}

function checkSets({ disk, accuse }: Case): void {
  const pods = disk.list<Pod>(PODS_PREFIX);
  for (const set of disk.list<ReplicaSet>("/registry/replicasets/")) {
    const active = pods.filter((pod) => ownerUid(pod) === uidOf(set) && isPodActive(pod));
    const { status, metadata } = set;
    const want = replicasOf(set);
    const counts = [active.length, active.filter(isPodReady).length, status?.replicas ?? 0, status?.readyReplicas ?? 0, status?.availableReplicas ?? 0];
    if (counts.some((count) => count !== want)) accuse(`set ${at(set)}: pods, ready ones and the status' counts are ${counts.join(", ")}, wanted is ${want}`);
    if (status?.observedGeneration !== metadata.generation) accuse(`set ${at(set)}: generation ${metadata.generation} was not observed`);
  }
}

function checkPods({ disk, accuse }: Case, running: ReadonlyMap<string, string>): void {
  const pods = disk.list<Pod>(PODS_PREFIX);
  for (const pod of pods) {
    if (isPodFinished(pod)) continue;
    if (!isPodReady(pod) || !pod.spec.nodeName) accuse(`pod ${at(pod)} on ${pod.spec.nodeName ?? "no node"} is not ready: ${JSON.stringify(pod.status)}`);
    if (disk.get(NODES_PREFIX + (pod.spec.nodeName ?? "")) === undefined) accuse(`pod ${at(pod)} is on ${pod.spec.nodeName}, which does not exist`);
    if (running.get(uidOf(pod)) !== pod.spec.nodeName) accuse(`pod ${at(pod)} does not run on ${pod.spec.nodeName}`);
  }
  for (const [uid, node] of running) if (!pods.some((pod) => uidOf(pod) === uid)) accuse(`a pod that is gone runs on ${node}: ${uid}`);
}

function checkServices({ disk, accuse }: Case): void {
  const pods = disk.list<Pod>(PODS_PREFIX);
  const slices = disk.list<EndpointSlice>("/registry/endpointslices/");
  for (const service of disk.list<Service>("/registry/services/specs/")) {
    const { namespace = "", name } = service.metadata;
    const { selector } = service.spec;
    if (selector === undefined) continue;
    const chosen = pods.filter(({ metadata, status }) => metadata.namespace === namespace && isAll(metadata.labels, selector) && status?.podIP);
    const want = chosen
      .filter((pod) => isPodReady(pod) && !isPodFinished(pod))
      .map(({ status }) => status?.podIP ?? "")
      .sort();
    const own = slices.filter(({ metadata }) => metadata.namespace === namespace && metadata.labels?.["kubernetes.io/service-name"] === name);
    const told = own.flatMap(({ endpoints }) => (endpoints ?? []).filter(({ conditions }) => conditions?.ready).flatMap(({ addresses }) => addresses)).sort();
    if (!sameJson(want, told)) accuse(`service ${namespace}/${name}: its slices tell of ${told.join(" ") || "nothing"}, ready are ${want.join(" ") || "none"}`);
    const endpoints = disk.get(`/registry/services/endpoints/${namespace}/${name}`) as Endpoints | undefined;
    const named = (endpoints?.subsets ?? []).flatMap(({ addresses }) => (addresses ?? []).map(({ ip }) => ip)).sort();
    if (!sameJson(want, named)) accuse(`service ${namespace}/${name}: its endpoints are ${named.join(" ") || "none"}, ready are ${want.join(" ") || "none"}`);
  }
}

function checkGarbage({ disk, accuse }: Case): void {
  const all = disk.keys().flatMap((key) => {
    const object = disk.get(key);
    return object === undefined || key.startsWith("/registry/events/") ? [] : [{ key, object }];
  });
  const uids = new Set(all.map(({ object }) => uidOf(object)));
  for (const { key, object } of all) {
    const owners = object.metadata.ownerReferences ?? [];
    if (owners.length > 0 && !owners.some(({ uid }) => uids.has(uid))) accuse(`${key} has lost its owners, and is still there`);
    if (object.metadata.deletionTimestamp !== undefined) accuse(`${key} is still being deleted: ${JSON.stringify(object.metadata)}`);
    const { namespace } = object.metadata;
    if (namespace && disk.get(`/registry/namespaces/${namespace}`) === undefined) accuse(`${key} is in a namespace that is gone`);
  }
}

function checkNamespaces({ disk, accuse }: Case): void {
  for (const { metadata } of disk.list("/registry/namespaces/")) {
    const { name } = metadata;
    if (disk.get(`/registry/serviceaccounts/${name}/default`) === undefined) accuse(`namespace ${name} has no default account`);
    if (disk.get(`/registry/configmaps/${name}/kube-root-ca.crt`) === undefined) accuse(`namespace ${name} has no root certificate`);
  }
}

function checkNodes({ disk, accuse }: Case): void {
  for (const node of disk.list<Node>(NODES_PREFIX)) {
    const { taints = [], podCIDR } = node.spec ?? {};
    if (taints.length > 0) accuse(`node ${at(node)} is tainted: ${JSON.stringify(taints)}`);
    if (!podCIDR) accuse(`node ${at(node)} has no range for pods`);
  }
}
