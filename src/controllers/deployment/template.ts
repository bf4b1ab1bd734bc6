import { isDeepStrictEqual } from "node:util";

import { podTemplateHash } from "#api/core-v1/pod-template/template-hash.ts";
import type { Deployment, ReplicaSet } from "#api/apps-v1/types.ts";
import { DEPLOYMENTS } from "#api/builtin.ts";
import type { PodTemplateSpec } from "#api/core-v1/types.ts";
import type { Draft } from "#apimachinery/object.ts";
import { controllerReference } from "#controllers/common/owners.ts";
import { newSetAnnotations, sizeAnnotations } from "#controllers/deployment/annotations.ts";
import { byAge } from "#controllers/deployment/scale.ts";

const HASH_LABEL = "pod-template-hash";
const MAX_NAME_CHARS = 253;

/** The set whose template is the deployment's; of several the oldest. */
export function findNewSet({ spec }: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return [...sets].sort(byAge).find((set) => isSameTemplate(set.spec.template, spec.template));
}

/** Whether two templates are the same but for the hash that names them. */
export function isSameTemplate(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  return isDeepStrictEqual(comparable(a), comparable(b));
}

/** A set's template as a deployment has it: without the hash. */
export function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const { [HASH_LABEL]: _hash, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** A set to be made. */
export type NewSet = Draft<ReplicaSet> & { readonly metadata: { readonly name: string; readonly namespace?: string | undefined } };

/** The set that a deployment makes for its template. */
export function newSetFor(deployment: Deployment, revision: number, replicas: number): NewSet {
  const { metadata, spec, status } = deployment;
  const hash = podTemplateHash(spec.template, status?.collisionCount);
  const labels = { ...spec.template.metadata?.labels, [HASH_LABEL]: hash };
  return {
    metadata: {
      name: `${metadata.name.slice(0, MAX_NAME_CHARS - 1 - hash.length)}-${hash}`,
      namespace: metadata.namespace,
      ownerReferences: [controllerReference(DEPLOYMENTS, deployment)],
      labels,
      annotations: { ...newSetAnnotations(deployment, {}, revision), ...sizeAnnotations(deployment) },
    },
    spec: {
      replicas,
      ...(spec.minReadySeconds && { minReadySeconds: spec.minReadySeconds }),
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  };
}

/** Empty lists and maps are the same as absent ones. */
function comparable(template: PodTemplateSpec): unknown {
  return withoutEmpty(withoutHash(template));
}

function withoutEmpty(value: unknown, isTop = true): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutEmpty(item));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .map(([key, item]) => [key, withoutEmpty(item, false)] as const)
    .filter(([, item]) => item !== undefined && item !== null && !(Array.isArray(item) && item.length === 0));
  return entries.length === 0 && !isTop ? {} : Object.fromEntries(entries);
}
