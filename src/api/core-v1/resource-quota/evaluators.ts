import type { ResourceQuota, ScopedResourceSelectorRequirement, Service } from "#api/core-v1/types.ts";
import type { ResourceClaim } from "#api/resource-v1/types.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { addQuantities, compareQuantities, quantityOf, ZERO_QUANTITY } from "#apimachinery/quantity.ts";

import type { Quantities } from "../pod-spec/resource-list.ts";
import { claimEvaluator } from "./claim-evaluator.ts";
import { podEvaluator } from "./pod-evaluator.ts";

export type QuotaScope = ScopedResourceSelectorRequirement;

/** What a quota's accounts look at of a write. */
export interface QuotaWrite {
  readonly operation: string;
  readonly subresource: string;
  readonly object: KubeObject | undefined;
  readonly oldObject: KubeObject | undefined;
}

/** How objects of one resource count. @see kubernetes staging/src/k8s.io/apiserver/pkg/quota/v1/interfaces.go */
export interface QuotaEvaluator {
  /** Whether the write may change what is used. */
  handles(write: QuotaWrite): boolean;
  /** Those of a quota's resources that such objects use. */
  matching(names: readonly string[]): string[];
  inScope(scope: QuotaScope, object: KubeObject): boolean;
  /** What the object has to say and does not, if a quota is to bound `required`. */
  missing?(required: readonly string[], object: KubeObject): string | undefined;
  /** @param nowMs an object that should be gone by then costs less */
  usage(object: KubeObject, nowMs: number): Quantities;
}

const ONE = quantityOf(1);

/** Kinds that are only asked, never kept; and events, which nobody counts. */
const IGNORED = new Set([
  "/bindings",
  "/componentstatuses",
  "/events",
  "events.k8s.io/events",
  "authentication.k8s.io/tokenreviews",
  "authentication.k8s.io/selfsubjectreviews",
  "authorization.k8s.io/subjectaccessreviews",
  "authorization.k8s.io/selfsubjectaccessreviews",
  "authorization.k8s.io/localsubjectaccessreviews",
  "authorization.k8s.io/selfsubjectrulesreviews",
]);

const OLD_NAMES = new Set(["/configmaps", "/resourcequotas", "/replicationcontrollers", "/secrets"]);

/** `count/pods`, `count/deployments.apps`: as quotas name the number of a resource's objects. */
function countName(group: string, plural: string): string {
  return group === "" ? `count/${plural}` : `count/${plural}.${group}`;
}

const known = new Map<string, QuotaEvaluator>();

/** @returns `undefined` for what no quota bounds */
export function quotaEvaluator(group: string, plural: string): QuotaEvaluator | undefined {
  const key = `${group}/${plural}`;
  if (IGNORED.has(key)) return undefined;
  let found = known.get(key);
  if (found === undefined) known.set(key, (found = SPECIAL[key] ?? countEvaluator(group, plural)));
  return found;
}

/** Whether the quota is about such objects at all, and about this one. */
export function isBoundBy({ spec, status }: ResourceQuota, evaluator: QuotaEvaluator, object: KubeObject): boolean {
  if (evaluator.matching(Object.keys(status?.hard ?? {})).length === 0) return false;
  return scopesOf(spec).every((scope) => evaluator.inScope(scope, object));
}

export function scopesOf(spec: ResourceQuota["spec"] | undefined): QuotaScope[] {
  const plain = (spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: "Exists" }));
  return [...plain, ...(spec?.scopeSelector?.matchExpressions ?? [])];
}

function countEvaluator(group: string, plural: string): QuotaEvaluator {
  const names = [countName(group, plural), ...(OLD_NAMES.has(`${group}/${plural}`) ? [plural] : [])];
  return {
    handles: ({ operation, subresource }) => operation === "CREATE" && subresource === "",
    matching: (wanted) => wanted.filter((name) => names.includes(name)),
    inScope: () => false,
    usage: () => new Map(names.map((name) => [name, ONE])),
  };
}

const isWholeWrite = ({ operation, subresource }: QuotaWrite) => subresource === "" && (operation === "CREATE" || operation === "UPDATE");

const SERVICE_NAMES = ["count/services", "services", "services.nodeports", "services.loadbalancers"];

const serviceEvaluator: QuotaEvaluator = {
  handles: isWholeWrite,
  matching: (names) => names.filter((name) => SERVICE_NAMES.includes(name)),
  inScope: () => false,
  usage(object) {
    const { type, ports = [], allocateLoadBalancerNodePorts } = (object as Service).spec ?? {};
    const isBalancer = type === "LoadBalancer";
    const given = ports.filter(({ nodePort = 0 }) => nodePort !== 0).length;
    const nodePorts = isBalancer && allocateLoadBalancerNodePorts === false ? given : isBalancer || type === "NodePort" ? ports.length : 0;
    return new Map([
      ["count/services", ONE],
      ["services", ONE],
      ["services.nodeports", quantityOf(nodePorts)],
      ["services.loadbalancers", isBalancer ? ONE : ZERO_QUANTITY],
    ]);
  },
};

const BY_DEVICE_CLASS = ".deviceclass.resource.k8s.io/devices";
/** As many as one claim can be given at most. */
const MOST_DEVICES = 32;

type DeviceAmount = { readonly deviceClassName: string; readonly allocationMode?: string | undefined; readonly count?: number | undefined };

const deviceClaimEvaluator: QuotaEvaluator = {
  handles: isWholeWrite,
  matching: (names) => names.filter((name) => name === "count/resourceclaims.resource.k8s.io" || name.endsWith(BY_DEVICE_CLASS)),
  inScope: () => false,
  usage(object) {
    const usage: Quantities = new Map([["count/resourceclaims.resource.k8s.io", ONE]]);
    for (const { exactly, firstAvailable = [] } of (object as ResourceClaim).spec?.devices?.requests ?? []) {
      const most = mostOf(firstAvailable.length > 0 ? firstAvailable : exactly === undefined ? [] : [exactly]);
      for (const [name, amount] of most) usage.set(name, addQuantities(usage.get(name) ?? ZERO_QUANTITY, amount));
    }
    return usage;
  },
};

/** Of alternatives, the costliest of each class. */
function mostOf(alternatives: readonly DeviceAmount[]): Quantities {
  const most: Quantities = new Map();
  for (const { deviceClassName, allocationMode, count = 0 } of alternatives) {
    const amount = quantityOf(allocationMode === "ExactCount" ? count : allocationMode === "All" ? MOST_DEVICES : 0);
    const name = deviceClassName + BY_DEVICE_CLASS;
    const before = most.get(name);
    if (before === undefined || compareQuantities(amount, before) > 0) most.set(name, amount);
  }
  return most;
}

const SPECIAL: Readonly<Record<string, QuotaEvaluator>> = {
  "/pods": podEvaluator,
  "/services": serviceEvaluator,
  "/persistentvolumeclaims": claimEvaluator,
  "resource.k8s.io/resourceclaims": deviceClaimEvaluator,
};
