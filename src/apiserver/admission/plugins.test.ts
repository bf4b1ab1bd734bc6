import assert from "node:assert/strict";
import { test } from "node:test";

import { resourceInfo, type Resource } from "#api/resources.ts";
import type { Mutable } from "#api/strategy.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { StatusError } from "#apimachinery/status-error.ts";
import { AdmissionChain, type AdmissionAttributes } from "#apiserver/admission/admission.ts";
import { admissionPlugins } from "#apiserver/admission/plugins.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import { ResourceTable } from "#apiserver/registry/resource-table.ts";
import { silentLogger } from "#lib/logger.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";
import { LOOPBACK_USER, type UserInfo } from "#apiserver/user.ts";
import { seededRng } from "#lib/rng.ts";
import { SimClock } from "#lib/sim-clock.ts";

type Objects = Record<string, object>;

const BASE: Objects = {
  "namespaces /ns": { status: { phase: "Active" } },
  "namespaces /going": { status: { phase: "Terminating" } },
  "serviceaccounts ns/default": { imagePullSecrets: [{ name: "pull" }] },
  "priorityclasses /high": { value: 77, preemptionPolicy: "Never" },
};

function readerOf(objects: Objects): ObjectReader {
  const all = Object.entries(objects).map(([key, object]) => {
    const [plural = "", path = ""] = key.split(" ");
    const [namespace = "", name = ""] = path.split("/");
    return { plural, namespace, name, object: { ...object, metadata: { ...(object as { metadata?: object }).metadata, namespace, name } } };
  });
  return {
    lookup: <T extends KubeObject>({ plural }: Resource<T>, namespace: string, name: string) =>
      all.find((each) => each.plural === plural && each.namespace === namespace && each.name === name)?.object as unknown as T | undefined,
    list: <T extends KubeObject>({ plural }: Resource<T>, namespace: string) =>
      all.filter((each) => each.plural === plural && (namespace === "" || each.namespace === namespace)).map(({ object }) => object as unknown as T),
  };
}

/** Lets only the server itself do anything. */
const NOBODY: Authorizer = {
  authorize: ({ user }) => ({ allowed: user === LOOPBACK_USER, reason: "" }),
  rulesFor: () => ({ rules: [], incomplete: false }),
};

interface Write {
  readonly group?: string;
  readonly version?: string;
  readonly plural: string;
  readonly object?: object;
  readonly old?: object;
  readonly namespace?: string;
  readonly operation?: AdmissionAttributes["operation"];
  readonly user?: UserInfo;
}

async function admit(write: Write, objects: Objects = {}): Promise<{ object: Mutable<KubeObject> & Record<string, never>; warnings: string[] }> {
  const { group = "", version = "v1", plural, namespace = "ns", operation = "CREATE", user = LOOPBACK_USER } = write;
  const cluster = { reader: readerOf({ ...BASE, ...objects }), writer: { replace: () => Promise.resolve(true) }, authorizer: NOBODY };
  const outside = { watcher: { onChange: () => {} }, resources: new ResourceTable([]), logger: silentLogger, newUid: () => "" };
  const chain = new AdmissionChain(admissionPlugins({ ...cluster, ...outside, clock: new SimClock(), rng: seededRng(1) }));
  const warnings: string[] = [];
  const object = structuredClone({ metadata: { name: "p" }, ...write.object }) as unknown as Mutable<KubeObject>;
  const attributes: AdmissionAttributes = {
    ...{ operation, namespace, user, object, subresource: "", name: object.metadata.name, options: {}, dryRun: false },
    resource: resourceInfo(group, version, plural)!,
    oldObject: write.old as KubeObject | undefined,
    warn: (text) => void warnings.push(text),
  };
  await chain.admit(attributes);
  await chain.validate(attributes);
  return { object: object as Mutable<KubeObject> & Record<string, never>, warnings };
}

const pod = (spec: object = {}, metadata: object = {}): Write => ({
  plural: "pods",
  object: { metadata: { name: "p", ...metadata }, spec: { containers: [{ name: "c", image: "i" }], ...spec } },
});

test("admissionPlugins() complete a plain pod as upstream does", async () => {
  const { object } = await admit(pod());
  const spec = (object as unknown as { spec: Record<string, unknown[]> }).spec;
  const volume = spec["volumes"]![0] as { name: string; projected: { defaultMode: number } };
  assert.match(volume.name, /^kube-api-access-[a-z0-9]{5}$/);
  assert.equal(volume.projected.defaultMode, 420);
  assert.deepEqual((spec["containers"]![0] as { volumeMounts: unknown }).volumeMounts, [
    { name: volume.name, readOnly: true, mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" },
  ]);
  assert.deepEqual(spec["imagePullSecrets"], [{ name: "pull" }]);
  assert.deepEqual([spec["serviceAccountName"], spec["priority"], spec["preemptionPolicy"]], ["default", 0, "PreemptLowerPriority"]);
  assert.equal(spec["tolerations"]!.length, 2);
});

const limits = (item: object): Objects => ({ "limitranges ns/lr": { spec: { limits: [item] } } });
const resources = (requests: object, more: object = {}) => pod({ containers: [{ name: "c", image: "i", resources: { requests, ...more } }] });
const NODE_USER: UserInfo = { name: "system:node:n", uid: "", groups: ["system:nodes"], extra: {} };

for (const { name, write, objects, code, text } of [
  { name: "a namespace that is missing", write: { plural: "configmaps", namespace: "no" }, code: 404, text: 'namespaces "no" not found' },
  {
    name: "a namespace that goes away",
    write: { plural: "configmaps", namespace: "going" },
    code: 403,
    text: 'configmaps "p" is forbidden: unable to create new content in namespace going because it is being terminated',
  },
  {
    name: "the end of a system namespace",
    write: { plural: "namespaces", operation: "DELETE", object: { metadata: { name: "default" } }, namespace: "default" },
    code: 403,
    text: 'namespaces "default" is forbidden: this namespace may not be deleted',
  },
  {
    name: "a missing account",
    write: pod({ serviceAccountName: "x" }),
    code: 403,
    text: 'pods "p" is forbidden: error looking up service account ns/x: serviceaccount "x" not found',
  },
  {
    name: "a missing priority class",
    write: pod({ priorityClassName: "x" }),
    code: 403,
    text: 'pods "p" is forbidden: no PriorityClass with name x was found',
  },
  {
    name: "a priority of one's own",
    write: pod({ priorityClassName: "high", priority: 5 }),
    code: 403,
    text: 'pods "p" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 77 from the given PriorityClass name',
  },
  {
    name: "a missing runtime class",
    write: pod({ runtimeClassName: "x" }),
    code: 403,
    text: 'pods "p" is forbidden: pod rejected: RuntimeClass "x" not found',
  },
  {
    name: "more than the maximum",
    write: resources({ cpu: "1" }, { limits: { cpu: "2" } }),
    objects: limits({ type: "Container", max: { cpu: "1" } }),
    code: 403,
    text: 'pods "p" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
  },
  {
    name: "less than the minimum",
    write: resources({ cpu: "100m" }),
    objects: limits({ type: "Container", min: { cpu: "200m" } }),
    code: 403,
    text: 'pods "p" is forbidden: minimum cpu usage per Container is 200m, but request is 100m',
  },
  {
    name: "too wide a ratio",
    write: resources({ cpu: "100m" }, { limits: { cpu: "300m" } }),
    objects: limits({ type: "Container", maxLimitRequestRatio: { cpu: "2" } }),
    code: 403,
    text: 'pods "p" is forbidden: cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000',
  },
  {
    name: "what a level forbids",
    write: pod({ hostNetwork: true }),
    objects: { "namespaces /ns": { metadata: { labels: { "pod-security.kubernetes.io/enforce": "baseline" } } } },
    code: 403,
    text: 'pods "p" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
  },
  {
    name: "a node that makes pods",
    write: { ...pod(), user: NODE_USER },
    code: 403,
    text: 'pods "p" is forbidden: pod does not have "kubernetes.io/config.mirror" annotation, node "n" can only create mirror pods',
  },
  {
    name: "a node that changes another",
    write: { plural: "nodes", namespace: "", operation: "UPDATE", object: { metadata: { name: "m" } }, old: { metadata: { name: "m" } }, user: NODE_USER },
    code: 403,
    text: 'nodes "m" is forbidden: node "n" is not allowed to modify node "m"',
  },
] as { name: string; write: Write; objects?: Objects; code: number; text: string }[]) {
  test(`admissionPlugins() refuse ${name}`, async () => {
    const refusal = await admit(write, objects).then(
      () => assert.fail("was admitted"),
      (error: unknown) => error as StatusError,
    );
    assert.deepEqual([refusal.code, refusal.message], [code, text]);
  });
}

test("admissionPlugins() fill in a limit range's defaults and say so", async () => {
  const { object } = await admit(pod(), limits({ type: "Container", default: { cpu: "500m" }, defaultRequest: { cpu: "250m" } }));
  assert.equal(object.metadata.annotations?.["kubernetes.io/limit-ranger"], "LimitRanger plugin set: cpu request for container c; cpu limit for container c");
});

test("admissionPlugins() warn of workloads whose pods a level would refuse", async () => {
  const template = { spec: { containers: [{ name: "c" }], hostPID: true } };
  const labelled = { "namespaces /ns": { metadata: { labels: { "pod-security.kubernetes.io/warn": "baseline" } } } };
  const { warnings } = await admit({ group: "apps", plural: "deployments", object: { spec: { template } } }, labelled);
  assert.deepEqual(warnings, ['would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)']);
});

test("admissionPlugins() name the pods that a new level would refuse", async () => {
  const bad = { spec: { containers: [{ name: "c", securityContext: { privileged: true } }] } };
  const write: Write = {
    ...{ plural: "namespaces", namespace: "ns", operation: "UPDATE", old: { metadata: { name: "ns" } } },
    object: { metadata: { name: "ns", labels: { "pod-security.kubernetes.io/enforce": "baseline" } } },
  };
  const { warnings } = await admit(write, { "pods ns/a": bad, "pods ns/b": bad });
  assert.deepEqual(warnings, [
    'existing pods in namespace "ns" violate the new PodSecurity enforce level "baseline:latest"',
    "a (and 1 other pod): privileged",
  ]);
});

test("admissionPlugins() taint new nodes and give claims a class and a finalizer", async () => {
  const node = await admit({ plural: "nodes", namespace: "" });
  assert.deepEqual((node.object as unknown as { spec: unknown }).spec, { taints: [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }] });
  const storageClass = { metadata: { annotations: { "storageclass.kubernetes.io/is-default-class": "true" } } };
  const claim = await admit({ plural: "persistentvolumeclaims", object: { spec: {} } }, { "storageclasses /fast": storageClass });
  assert.deepEqual((claim.object as unknown as { spec: unknown }).spec, { storageClassName: "fast" });
  assert.deepEqual(claim.object.metadata.finalizers, ["kubernetes.io/pvc-protection"]);
});

test("admissionPlugins() label a pod that comes with a node by the node's zone", async () => {
  const node = { metadata: { labels: { "topology.kubernetes.io/zone": "east", other: "x" } } };
  const zoned = await admit({ plural: "pods", object: { spec: { nodeName: "n1", containers: [] } } }, { "nodes /n1": node });
  const free = await admit({ plural: "pods", object: { spec: { containers: [] } } }, { "nodes /n1": node });
  assert.deepEqual([zoned.object.metadata.labels, free.object.metadata.labels], [{ "topology.kubernetes.io/zone": "east" }, undefined]);
});
