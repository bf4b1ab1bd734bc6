import { isDeepStrictEqual } from "node:util";

import { NAMESPACES, PODS } from "#api/builtin.ts";
import type { Namespace, Pod, PodSpec } from "#api/core-v1/types.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { describe, isStricter, violations, type Policy } from "#apiserver/admission/pod-security/checks.ts";
import { labelErrors, policiesOf, PREFIX } from "#apiserver/admission/pod-security/labels.ts";
import { forbidden } from "#apiserver/admission/plugins/attributes.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";

/** Workloads, and where their pods' template stands. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  "/podtemplates": ["template"],
  "/replicationcontrollers": ["spec", "template"],
  "apps/replicasets": ["spec", "template"],
  "apps/deployments": ["spec", "template"],
  "apps/statefulsets": ["spec", "template"],
  "apps/daemonsets": ["spec", "template"],
  "batch/jobs": ["spec", "template"],
  "batch/cronjobs": ["spec", "jobTemplate", "spec", "template"],
};
/** A namespace's new level is tried on so many of its pods. */
const MAX_CHECKED_PODS = 3000;

/** Holds pods to the level that their namespace's labels ask for. */
export function podSecurity(reader: ObjectReader): AdmissionPlugin {
  return {
    name: "PodSecurity",
    handles: ({ operation, resource, subresource }) => {
      if (operation !== "CREATE" && operation !== "UPDATE") return false;
      const { group, plural } = resource;
      if (group === "" && plural === "pods") return subresource === "" || subresource === "ephemeralcontainers";
      return subresource === "" && ((group === "" && plural === "namespaces") || `${group}/${plural}` in TEMPLATES);
    },
    validate(attributes) {
      const { group, plural } = attributes.resource;
      if (plural === "namespaces") return validateNamespace(attributes, reader);
      const labels = reader.lookup(NAMESPACES, "", attributes.namespace)?.metadata.labels;
      if (labels === undefined) return;
      const { enforce, audit, warn } = policiesOf(labels);
      const spec = plural === "pods" ? (attributes.object as Pod).spec : templateSpec(attributes.object, TEMPLATES[`${group}/${plural}`]!);
      if (spec === undefined || (plural === "pods" && !isSignificant(attributes))) return;
      if (plural === "pods") attributes.annotate?.(`${PREFIX}enforce-policy`, named(enforce));
      const noted = violations(spec, audit);
      if (noted.length > 0) attributes.annotate?.(`${PREFIX}audit-violations`, `would violate PodSecurity "${named(audit)}": ${describe(noted)}`);
      const refused = plural === "pods" ? violations(spec, enforce) : [];
      if (refused.length > 0) throw forbidden(attributes, `violates PodSecurity "${named(enforce)}": ${describe(refused)}`);
      const warned = violations(spec, warn);
      if (warned.length > 0) attributes.warn(`would violate PodSecurity "${named(warn)}": ${describe(warned)}`);
    },
  };
}

const named = ({ level, version }: Policy) => `${level}:${version}`;

function templateSpec(object: unknown, path: readonly string[]): PodSpec | undefined {
  let value = object;
  for (const name of [...path, "spec"]) value = (value as Record<string, unknown> | undefined)?.[name];
  return value as PodSpec | undefined;
}

/** Changes that no rule looks at do not turn away a pod that was let in before. */
function isSignificant({ operation, object, oldObject }: AdmissionAttributes): boolean {
  if (operation === "CREATE") return true;
  const relevant = ({ spec }: Pod) => {
    const { tolerations: _t, activeDeadlineSeconds: _a, terminationGracePeriodSeconds: _g, schedulingGates: _s, nodeSelector: _n, ...rest } = spec;
    return JSON.parse(JSON.stringify(rest)) as unknown;
  };
  return !isDeepStrictEqual(relevant(object as Pod), relevant(oldObject as Pod));
}

function validateNamespace(attributes: AdmissionAttributes, reader: ObjectReader): void {
  const { metadata } = attributes.object as Namespace;
  const old = attributes.oldObject?.metadata.labels;
  const errors = labelErrors(metadata.labels);
  if (errors.length > 0 && (attributes.operation === "CREATE" || !isDeepStrictEqual(errors, labelErrors(old)))) {
    throw statusError.invalid({ group: "", kind: "Namespace" }, metadata.name, errors);
  }
  if (attributes.operation !== "UPDATE" || errors.length > 0) return;
  const { enforce } = policiesOf(metadata.labels);
  const { enforce: before } = policiesOf(old);
  if (enforce.level === "privileged" || (enforce.version === before.version && !isStricter(enforce.level, before.level))) return;
  warnOfPods(attributes, enforce, reader.list(PODS, metadata.name).slice(0, MAX_CHECKED_PODS));
}

/** Tells which running pods a new level would not let in again, those with the same faults together. */
function warnOfPods(attributes: AdmissionAttributes, policy: Policy, pods: readonly Pod[]): void {
  const byFault = new Map<string, string[]>();
  for (const { metadata, spec } of pods) {
    const faults = violations(spec, policy)
      .map(({ reason }) => reason)
      .join(", ");
    if (faults !== "") byFault.set(faults, [...(byFault.get(faults) ?? []), metadata.name]);
  }
  if (byFault.size === 0) return;
  const where = JSON.stringify(attributes.object!.metadata.name);
  attributes.warn(`existing pods in namespace ${where} violate the new PodSecurity enforce level "${policy.level}:${policy.version}"`);
  const lines = [...byFault].map(([faults, [first = "", ...others]]) => {
    const more = others.length === 0 ? "" : ` (and ${others.length} other ${others.length === 1 ? "pod" : "pods"})`;
    return `${first}${more}: ${faults}`;
  });
  for (const line of lines.sort()) attributes.warn(line);
}
