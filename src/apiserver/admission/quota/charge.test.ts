import assert from "node:assert/strict";
import { test } from "node:test";

import { quotaEvaluator } from "#api/core-v1/resource-quota/evaluators.ts";
import type { ResourceQuota } from "#api/core-v1/types.ts";
import { resourceInfo } from "#api/resources.ts";
import type { Mutable } from "#api/strategy.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { charge } from "#apiserver/admission/quota/charge.ts";

interface Case {
  readonly name: string;
  readonly resource?: readonly [group: string, version: string, plural: string];
  readonly subresource?: string;
  readonly object: object;
  readonly old?: object;
  readonly spec?: object;
  readonly hard: Readonly<Record<string, string>>;
  readonly used?: Readonly<Record<string, string>>;
  readonly want: Readonly<Record<string, string>> | string;
}

const pod = (resources: object = {}, more: object = {}) => ({ spec: { containers: [{ name: "c", resources }], ...more } });
const claim = (storage: string, more: object = {}) => ({ spec: { resources: { requests: { storage } }, ...more } });
const device = (requests: readonly object[]) => ({ spec: { devices: { requests } } });
const PODS = ["", "v1", "pods"] as const;
const CLAIMS = ["", "v1", "persistentvolumeclaims"] as const;
const DEVICES = ["resource.k8s.io", "v1", "resourceclaims"] as const;
const SERVICES = ["", "v1", "services"] as const;
const zeros = (hard: Readonly<Record<string, string>>) => Object.fromEntries(Object.keys(hard).map((name) => [name, "0"]));

const TABLE: readonly Case[] = [
  { name: "a pod by number", object: pod(), hard: { pods: "2" }, want: { pods: "1" } },
  {
    name: "a pod by what it asks for",
    object: pod({ requests: { cpu: "250m", memory: "1Gi" } }),
    hard: { cpu: "1", "requests.memory": "2Gi" },
    want: { cpu: "250m", "requests.memory": "1Gi" },
  },
  {
    name: "huge pages and extended resources",
    object: pod({ requests: { "hugepages-2Mi": "4Mi", "example.com/gpu": "2" } }),
    hard: { "requests.hugepages-2Mi": "8Mi", "requests.example.com/gpu": "4" },
    want: { "requests.hugepages-2Mi": "4Mi", "requests.example.com/gpu": "2" },
  },
  {
    name: "limits with overhead",
    object: pod({ limits: { cpu: "1" } }, { overhead: { cpu: "100m" } }),
    hard: { "limits.cpu": "2" },
    want: { "limits.cpu": "1100m" },
  },
  {
    name: "too much",
    object: pod({ requests: { cpu: "2" } }),
    hard: { "requests.cpu": "1" },
    want: "exceeded quota: q, requested: requests.cpu=2, used: requests.cpu=0, limited: requests.cpu=1",
  },
  {
    name: "a container that says nothing",
    object: pod(),
    hard: { "limits.memory": "1Gi", cpu: "1" },
    want: "failed quota: q: must specify cpu for: c; limits.memory for: c",
  },
  { name: "a pod that says it as a whole", object: pod({}, { resources: { requests: { cpu: "1" } } }), hard: { cpu: "1" }, want: { cpu: "1" } },
  {
    name: "what nobody has counted",
    object: pod(),
    hard: { pods: "1", "count/pods": "3" },
    used: { pods: "0" },
    want: "status unknown for quota: q, resources: count/pods,pods",
  },
  { name: "nothing outside of the scope", object: pod(), spec: { scopes: ["NotBestEffort"] }, hard: { pods: "0" }, want: {} },
  {
    name: "a class by selector",
    object: pod({}, { priorityClassName: "high" }),
    spec: { scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "NotIn", values: ["low"] }] } },
    hard: { pods: "1" },
    want: { pods: "1" },
  },
  {
    name: "an update by growth",
    subresource: "resize",
    object: pod({ requests: { cpu: "3" } }),
    old: pod({ requests: { cpu: "1" } }),
    hard: { cpu: "4" },
    used: { cpu: "1" },
    want: { cpu: "3" },
  },
  {
    name: "an update that shrinks as nothing",
    subresource: "resize",
    object: pod({ requests: { cpu: "1" } }),
    old: pod({ requests: { cpu: "3" } }),
    hard: { cpu: "2" },
    used: { cpu: "3" },
    want: { cpu: "3" },
  },
  {
    name: "a pod that comes into the scope whole",
    object: pod({}, { activeDeadlineSeconds: 5 }),
    old: pod(),
    spec: { scopes: ["Terminating"] },
    hard: { pods: "3" },
    used: { pods: "1" },
    want: { pods: "2" },
  },
  {
    name: "a resize by the most of wanted, granted and in force",
    subresource: "resize",
    object: {
      ...pod({ requests: { cpu: "1" } }),
      status: { containerStatuses: [{ name: "c", resources: { requests: { cpu: "2" } }, allocatedResources: { cpu: "3" } }] },
    },
    old: pod(),
    hard: { "requests.cpu": "4" },
    want: { "requests.cpu": "3" },
  },
  {
    name: "a claim by class and size",
    resource: CLAIMS,
    object: claim("1500m", { storageClassName: "gold" }),
    hard: {
      "requests.storage": "5",
      "gold.storageclass.storage.k8s.io/requests.storage": "5",
      "silver.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
    },
    want: { "requests.storage": "2", "gold.storageclass.storage.k8s.io/requests.storage": "2" },
  },
  {
    name: "what an expansion has been given",
    resource: CLAIMS,
    object: { ...claim("1Gi"), status: { allocatedResources: { storage: "3Gi" } } },
    hard: { "requests.storage": "4Gi" },
    want: { "requests.storage": "3Gi" },
  },
  {
    name: "a claim by its attributes class",
    resource: CLAIMS,
    object: claim("1Gi", { volumeAttributesClassName: "fast" }),
    spec: { scopeSelector: { matchExpressions: [{ scopeName: "VolumeAttributesClass", operator: "In", values: ["fast"] }] } },
    hard: { persistentvolumeclaims: "0" },
    want: "exceeded quota: q, requested: persistentvolumeclaims=1, used: persistentvolumeclaims=0, limited: persistentvolumeclaims=0",
  },
  {
    name: "a balancer's node ports",
    resource: SERVICES,
    object: { spec: { type: "LoadBalancer", ports: [{ port: 1 }, { port: 2 }] } },
    hard: { "services.nodeports": "5", "services.loadbalancers": "1", services: "9" },
    want: { services: "1", "services.nodeports": "2", "services.loadbalancers": "1" },
  },
  {
    name: "a balancer without node ports",
    resource: SERVICES,
    object: { spec: { type: "LoadBalancer", allocateLoadBalancerNodePorts: false, ports: [{ port: 1, nodePort: 30001 }, { port: 2 }] } },
    hard: { "services.nodeports": "5" },
    want: { "services.nodeports": "1" },
  },
  {
    name: "devices by class",
    resource: DEVICES,
    object: device([
      { exactly: { deviceClassName: "gpu", allocationMode: "ExactCount", count: 2 } },
      { exactly: { deviceClassName: "gpu", allocationMode: "All" } },
    ]),
    hard: { "gpu.deviceclass.resource.k8s.io/devices": "40" },
    want: { "gpu.deviceclass.resource.k8s.io/devices": "34" },
  },
  {
    name: "the costliest alternative of devices",
    resource: DEVICES,
    object: device([
      {
        firstAvailable: [
          { deviceClassName: "gpu", allocationMode: "ExactCount", count: 1 },
          { deviceClassName: "gpu", allocationMode: "ExactCount", count: 3 },
        ],
      },
    ]),
    hard: { "gpu.deviceclass.resource.k8s.io/devices": "4" },
    want: { "gpu.deviceclass.resource.k8s.io/devices": "3" },
  },
  {
    name: "a negative request",
    object: pod({ requests: { "example.com/gpu": "-1" } }),
    hard: { pods: "1" },
    want: "quota usage is negative for resource(s): requests.example.com/gpu",
  },
];

for (const { name, resource = PODS, subresource = "", object, old, spec = {}, hard, used = zeros(hard), want } of TABLE) {
  test(`charge() counts ${name}`, () => {
    const [group, version, plural] = resource;
    const quota = { metadata: { name: "q" }, spec, status: { hard, used } } as unknown as ResourceQuota;
    const whole = (given: object) => ({ metadata: { name: "o" }, ...given }) as unknown as Mutable<KubeObject>;
    const write = {
      operation: old === undefined ? ("CREATE" as const) : ("UPDATE" as const),
      resource: resourceInfo(group, version, plural)!,
      ...{ subresource, name: "o", object: whole(object), oldObject: old === undefined ? undefined : whole(old) },
    };
    const told = () => charge([quota], write, quotaEvaluator(group, plural)!, 0)[0]!.status.used;
    if (typeof want === "string") assert.throws(told, { message: `${plural}${group === "" ? "" : `.${group}`} "o" is forbidden: ${want}` });
    else assert.deepEqual(told(), { ...used, ...want });
  });
}
