import type { StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy } from "#api/apps-v1/types.ts";
import { checkAllowed, checkDnsLabel, checkNonNegative, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import { dropDisabledFields } from "#api/core-v1/pod-spec/drop-disabled.ts";
import { goValue } from "#api/core-v1/pod-spec/go-values.ts";
import type { PodSpecOptions } from "#api/core-v1/pod-spec/options.ts";
import { validatePodAnnotations } from "#api/core-v1/pod-spec/annotations.ts";
import { validateClaimSpec } from "#api/core-v1/pod-spec/validate-claim.ts";
import { validatePodTemplate } from "#api/core-v1/pod-spec/validate-pod-spec.ts";
import { warnOfClaim } from "#api/core-v1/pod-spec/warnings.ts";
import type { PodTemplateSpec, Volume } from "#api/core-v1/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";
import { type FieldError, fieldError } from "#apimachinery/field-error.ts";
import { nameIsDnsLabel } from "#apimachinery/validation/names.ts";
import { validateAnnotations, validateLabels } from "#apimachinery/validation/object-meta.ts";
import { sameJson } from "#lib/same-json.ts";

import { checkCollisions, checkCounts, checkParts } from "./counts.ts";
import { applyStatefulSetDefaults } from "./defaults.ts";
import { checkAtMostAll, intOrPercent, validateIntOrPercent } from "./int-or-percent.ts";
import {
  checkLasting,
  checkSelected,
  isUsableSelector,
  printedSelector,
  SPEC,
  TEMPLATE,
  templateOptions,
  templateWarnings,
  validateSelector,
} from "./template.ts";

/** @see kubernetes pkg/registry/apps/statefulset/strategy.go */
export const statefulSetStrategy: Strategy<StatefulSet> = {
  applyDefaults: applyStatefulSetDefaults,
  prepareForCreate: (set) => dropDisabled(set),
  prepareForUpdate: (set, old) => dropDisabled(set, old),
  validateCreate: ({ spec }) => validateSpec(spec, templateOptions(), { isNew: true, checkTemplate: true }),
  validateUpdate,
  validateName: nameIsDnsLabel,
  warningsOnCreate: ({ spec }) => [...templateWarnings(spec.template), ...ownWarnings(spec, "")],
  warningsOnUpdate: ({ metadata, spec }, old) => [
    ...(metadata.generation === old.metadata.generation ? [] : templateWarnings(spec.template)),
    ...ownWarnings(spec, "Spec"),
  ],
  hasGeneration: true,
  defaultDeletion: "background",
  subresources: { status: { validateUpdate: validateStatus } },
};

/** The feature of several unavailable replicas is off. */
function dropDisabled({ spec }: Mutable<StatefulSet>, old?: StatefulSet): void {
  if (old?.spec.updateStrategy?.rollingUpdate?.maxUnavailable === undefined) delete spec.updateStrategy?.rollingUpdate?.maxUnavailable;
  dropDisabledFields(spec.template?.spec, old?.spec.template.spec);
}

const CHANGEABLE = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
] as const;

function validateUpdate({ spec }: StatefulSet, old: StatefulSet): FieldError[] {
  const options = templateOptions(old.spec.template);
  const wasValid = validateSpec(old.spec, options, { isNew: false, checkTemplate: true }).length === 0;
  const errors = validateSpec(spec, options, { isNew: false, checkTemplate: wasValid });
  const rest = { ...spec };
  for (const field of CHANGEABLE) Object.assign(rest, { [field]: old.spec[field] });
  if (!sameJson(rest, old.spec)) {
    const fields = "'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds'";
    errors.push(fieldError.forbidden(SPEC, `updates to statefulset spec for fields other than ${fields} are forbidden`));
  }
  return errors;
}

/** What is immutable was checked when it was new, under the rules of then. */
interface Scope {
  readonly isNew: boolean;
  readonly checkTemplate: boolean;
}

/** @see kubernetes pkg/apis/apps/validation/validation.go ValidateStatefulSetSpec */
function validateSpec(spec: StatefulSetSpec, options: PodSpecOptions, scope: Scope): FieldError[] {
  const errors: FieldError[] = [];
  const { podManagementPolicy: policy = "", selector, template } = spec;
  if (policy === "") errors.push(fieldError.required(SPEC.child("podManagementPolicy")));
  else if (policy !== "OrderedReady" && policy !== "Parallel") {
    errors.push(fieldError.invalid(SPEC.child("podManagementPolicy"), policy, "must be 'OrderedReady' or 'Parallel'"));
  }
  validateStrategy(errors, spec.updateStrategy ?? {});
  for (const field of ["whenDeleted", "whenScaled"] as const) {
    const value = spec.persistentVolumeClaimRetentionPolicy?.[field];
    if (spec.persistentVolumeClaimRetentionPolicy) {
      checkAllowed(errors, value ?? "", ["Retain", "Delete"], SPEC.child("persistentVolumeClaimRetentionPolicy", field));
    }
  }
  if (scope.isNew) {
    for (const [i, claim] of (spec.volumeClaimTemplates ?? []).entries()) {
      validateClaimSpec(errors, claim.spec, SPEC.child("volumeClaimTemplates").index(i).child("spec"));
    }
  }
  checkNonNegative(errors, spec.replicas, SPEC, "replicas");
  checkNonNegative(errors, spec.minReadySeconds, SPEC, "minReadySeconds");
  checkNonNegative(errors, spec.ordinals?.start, SPEC, "ordinals.start");
  if (scope.isNew && spec.serviceName) checkDnsLabel(errors, spec.serviceName, SPEC.child("serviceName"));
  validateSelector(errors, selector, "statefulset");
  if (selector && !isUsableSelector(selector)) errors.push(fieldError.invalid(SPEC.child("selector"), printedSelector(selector)));
  else validateTemplate(errors, spec, options, scope);
  checkLasting(errors, template.spec, "StatefulSet");
  return errors;
}

function validateTemplate(errors: Errors, spec: StatefulSetSpec, options: PodSpecOptions, { checkTemplate }: Scope): void {
  const template = withOwnVolumes(spec);
  const { labels, annotations } = template.metadata ?? {};
  checkSelected(errors, spec.selector, template);
  if (checkTemplate) validatePodTemplate(errors, template, options, TEMPLATE);
  if (labels) errors.push(...validateLabels(labels, TEMPLATE.child("labels")));
  if (annotations) {
    errors.push(...validateAnnotations(annotations, TEMPLATE.child("annotations")));
    validatePodAnnotations(errors, annotations, template.spec, options, TEMPLATE.child("annotations"));
  }
}

/** The template as its pods get it: host name and claims are the set's to give. */
function withOwnVolumes({ template, volumeClaimTemplates = [] }: StatefulSetSpec): PodTemplateSpec {
  const { subdomain, hostname, ...rest } = template.spec;
  if (!subdomain && !hostname && volumeClaimTemplates.length === 0) return template;
  if (volumeClaimTemplates.length === 0) return { ...template, spec: rest };
  const names = new Set(volumeClaimTemplates.map(({ metadata }) => metadata?.name ?? ""));
  const claims: Volume[] = [...names].map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  return { ...template, spec: { ...rest, volumes: [...claims, ...(rest.volumes ?? []).filter(({ name }) => !names.has(name))] } };
}

function validateStrategy(errors: Errors, strategy: StatefulSetUpdateStrategy): void {
  const path = SPEC.child("updateStrategy");
  const { type, rollingUpdate } = strategy;
  if (!type) errors.push(fieldError.required(path));
  else if (type === "OnDelete") {
    if (!rollingUpdate) return;
    const value = goValue("RollingUpdateStatefulSetStrategy", rollingUpdate);
    errors.push(fieldError.invalid(path.child("rollingUpdate"), value, "only allowed for updateStrategy 'RollingUpdate'"));
  } else if (type !== "RollingUpdate") {
    errors.push(fieldError.invalid(path, goValue("StatefulSetUpdateStrategy", strategy), "must be 'RollingUpdate' or 'OnDelete'"));
  } else if (rollingUpdate) {
    const { partition, maxUnavailable } = rollingUpdate;
    const at = path.child("rollingUpdate");
    checkNonNegative(errors, partition, at, "partition");
    if (maxUnavailable === undefined) return;
    const maxPath = at.child("maxUnavailable");
    validateIntOrPercent(errors, maxUnavailable, maxPath);
    if (intOrPercent(maxUnavailable) === 0) errors.push(fieldError.invalid(maxPath, maxUnavailable, "cannot be 0"));
    checkAtMostAll(errors, maxUnavailable, maxPath);
  }
}

function ownWarnings(spec: StatefulSetSpec, below: string): string[] {
  const warnings: string[] = [];
  for (const [i, claim] of (spec.volumeClaimTemplates ?? []).entries()) {
    const path = SPEC.child("volumeClaimTemplates").index(i);
    warnOfClaim(claim.spec, below === "" ? path : path.child(below), (at, text) => void warnings.push(`${at.text}: ${text}`));
  }
  if ((spec.revisionHistoryLimit ?? 0) < 0) {
    warnings.push("spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended");
  }
  return warnings;
}

const COUNTS = ["replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas", "observedGeneration", "collisionCount"];

function validateStatus({ status }: StatefulSet, old: StatefulSet): FieldError[] {
  const errors: FieldError[] = [];
  checkCounts(errors, status, COUNTS);
  checkParts(errors, status, ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"], "replicas", "status.replicas");
  checkParts(errors, status, ["availableReplicas"], "readyReplicas", "status.readyReplicas");
  checkCollisions(errors, status.collisionCount, old.status.collisionCount);
  return errors;
}
