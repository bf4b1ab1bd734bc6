import type * as core from "#api/core-v1/types.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import type { LabelSelector } from "#apimachinery/meta-v1/types.ts";
import { isDns1123Label, isDns1123Subdomain, isLabelValue, isQualifiedName } from "#apimachinery/validation/names.ts";
import { validateLabelSelector } from "#apimachinery/validation/selectors.ts";

import { checkAllowed, checkPositive, type Errors, pushInvalid } from "./checks.ts";
import type { PodSpecOptions } from "./options.ts";

const REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution";

function checkLabelKey(errors: Errors, key: string, path: FieldPath): void {
  const messages = isQualifiedName(key);
  if (messages.length > 0) pushInvalid(errors, path, key, messages);
}

export function validateAffinity(errors: Errors, affinity: core.Affinity, options: PodSpecOptions, path: FieldPath): void {
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity;
  if (nodeAffinity) validateNodeAffinity(errors, nodeAffinity, options, path.child("nodeAffinity"));
  if (podAffinity) validatePodAffinity(errors, podAffinity, options, path.child("podAffinity"));
  if (podAntiAffinity) validatePodAffinity(errors, podAntiAffinity, options, path.child("podAntiAffinity"));
}

function validateNodeAffinity(errors: Errors, affinity: core.NodeAffinity, options: PodSpecOptions, path: FieldPath): void {
  const required = affinity[REQUIRED];
  if (required) validateNodeSelector(errors, required, options.allowInvalidNodeAffinityValues, path.child(REQUIRED));
  for (const [i, term] of (affinity[PREFERRED] ?? []).entries()) {
    const at = path.child(PREFERRED).index(i);
    checkWeight(errors, term.weight, at);
    validateNodeSelectorTerm(errors, term.preference ?? {}, true, at.child("preference"));
  }
}

function checkWeight(errors: Errors, weight = 0, path: FieldPath): void {
  if (weight <= 0 || weight > 100) errors.push(fieldError.invalid(path.child("weight"), weight, "must be in the range 1-100"));
}

export function validateNodeSelector(errors: Errors, selector: core.NodeSelector, allowInvalidValues: boolean, path: FieldPath): void {
  const at = path.child("nodeSelectorTerms");
  if (!selector.nodeSelectorTerms?.length) return void errors.push(fieldError.required(at, "must have at least one node selector term"));
  for (const [i, term] of selector.nodeSelectorTerms.entries()) validateNodeSelectorTerm(errors, term, allowInvalidValues, at.index(i));
}

function validateNodeSelectorTerm(errors: Errors, term: core.NodeSelectorTerm, allowInvalidValues: boolean, path: FieldPath): void {
  for (const [i, requirement] of (term.matchExpressions ?? []).entries()) {
    validateNodeRequirement(errors, requirement, allowInvalidValues, path.child("matchExpressions").index(i));
  }
  for (const [i, requirement] of (term.matchFields ?? []).entries()) {
    validateNodeField(errors, requirement, path.child("matchFields").index(i));
  }
}

function validateNodeRequirement(errors: Errors, requirement: core.NodeSelectorRequirement, allowInvalidValues: boolean, path: FieldPath): void {
  const { operator = "", key = "", values = [] } = requirement;
  const at = path.child("values");
  if (operator === "In" || operator === "NotIn") {
    if (values.length === 0) errors.push(fieldError.required(at, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    if (values.length > 0) errors.push(fieldError.forbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  } else if (operator === "Gt" || operator === "Lt") {
    if (values.length !== 1) errors.push(fieldError.required(at, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
  } else errors.push(fieldError.invalid(path.child("operator"), operator, "not a valid selector operator"));
  checkLabelKey(errors, key, path.child("key"));
  if (allowInvalidValues) return;
  for (const [i, value] of values.entries()) pushInvalid(errors, at.index(i), value, isLabelValue(value));
}

function validateNodeField(errors: Errors, { operator = "", key = "", values = [] }: core.NodeSelectorRequirement, path: FieldPath): void {
  if (operator !== "In" && operator !== "NotIn") errors.push(fieldError.invalid(path.child("operator"), operator, "not a valid selector operator"));
  else if (values.length !== 1) {
    errors.push(fieldError.required(path.child("values"), "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
  }
  if (key !== "metadata.name") return void errors.push(fieldError.invalid(path.child("key"), key, "not a valid field selector key"));
  for (const [i, value] of values.entries()) pushInvalid(errors, path.child("values").index(i), value, isDns1123Subdomain(value));
}

function validatePodAffinity(errors: Errors, affinity: core.PodAffinity, options: PodSpecOptions, path: FieldPath): void {
  for (const [i, term] of (affinity[REQUIRED] ?? []).entries()) validatePodTerm(errors, term, options, path.child(REQUIRED).index(i));
  for (const [i, { weight, podAffinityTerm }] of (affinity[PREFERRED] ?? []).entries()) {
    const at = path.child(PREFERRED).index(i);
    checkWeight(errors, weight, at);
    validatePodTerm(errors, podAffinityTerm ?? { topologyKey: "" }, options, at.child("podAffinityTerm"));
  }
}

/** Whether the selectors of a term of an object that is stored already would be refused today. */
export function hasInvalidSelector(term: core.PodAffinityTerm, path: FieldPath): boolean {
  return [term.labelSelector, term.namespaceSelector].some((selector) => selector && validateLabelSelector(selector, path).length > 0);
}

function validatePodTerm(errors: Errors, term: core.PodAffinityTerm, options: PodSpecOptions, path: FieldPath): void {
  for (const field of ["labelSelector", "namespaceSelector"] as const) {
    const selector = term[field];
    if (selector) errors.push(...validateLabelSelector(selector, path.child(field), { allowInvalidValues: options.allowInvalidSelectorValues }));
  }
  for (const name of term.namespaces ?? []) pushInvalid(errors, path.child("namespace"), name, isDns1123Label(name));
  validateLabelKeys(errors, term.matchLabelKeys, term.mismatchLabelKeys, term.labelSelector, path);
  if (!term.topologyKey) errors.push(fieldError.required(path.child("topologyKey"), "can not be empty"));
  checkLabelKey(errors, term.topologyKey ?? "", path.child("topologyKey"));
}

/**
 * Keys whose values are taken from the pod's labels into the selector. A create has put them there by now, so a key is
 * twice in the selector when the client had it there too.
 */
export function validateLabelKeys(
  errors: Errors,
  match: readonly string[] | undefined,
  mismatch: readonly string[] | undefined,
  selector: LabelSelector | undefined,
  path: FieldPath,
): void {
  for (const [keys, field] of [
    [match, "matchLabelKeys"],
    [mismatch, "mismatchLabelKeys"],
  ] as const) {
    if (!keys?.length) continue;
    if (!selector) errors.push(fieldError.forbidden(path.child(field), "must not be specified when labelSelector is not set"));
    else for (const [i, key] of keys.entries()) checkLabelKey(errors, key, path.child(field).index(i));
  }
  if (selector && match?.length) {
    const seen = new Set(Object.keys(selector.matchLabels ?? {}));
    for (const { key } of selector.matchExpressions ?? []) {
      const i = match.lastIndexOf(key);
      if (i >= 0 && seen.has(key)) errors.push(fieldError.invalid(path.index(i), key, "exists in both matchLabelKeys and labelSelector"));
      seen.add(key);
    }
  }
  for (const [i, key] of (match ?? []).entries()) {
    if (!mismatch?.includes(key)) continue;
    errors.push(fieldError.invalid(path.child("matchLabelKeys").index(i), key, "exists in both matchLabelKeys and mismatchLabelKeys"));
  }
}

export function validateTolerations(errors: Errors, tolerations: readonly core.Toleration[], path: FieldPath): void {
  for (const [i, { key = "", operator = "", value = "", effect = "", tolerationSeconds }] of tolerations.entries()) {
    const at = path.index(i);
    if (key !== "") checkLabelKey(errors, key, at.child("key"));
    else if (operator !== "Exists") {
      const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(fieldError.invalid(at.child("operator"), operator, detail));
    }
    if (tolerationSeconds !== undefined && effect !== "NoExecute") {
      errors.push(fieldError.invalid(at.child("effect"), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    validateTolerationValue(errors, operator, value, at.child("operator"));
    if (effect !== "") checkAllowed(errors, effect, ["NoSchedule", "PreferNoSchedule", "NoExecute"], at.child("effect"));
  }
}

function validateTolerationValue(errors: Errors, operator: string, value: string, path: FieldPath): void {
  if (operator === "Equal" || operator === "") {
    const messages = isLabelValue(value);
    if (messages.length > 0) errors.push(fieldError.invalid(path, value, messages.join(";")));
  } else if (operator === "Exists") {
    if (value !== "") errors.push(fieldError.invalid(path, value, "value must be empty when `operator` is 'Exists'"));
  } else {
    const allowed = operator === "Lt" || operator === "Gt" ? ["Equal", "Exists", "Lt", "Gt"] : ["Equal", "Exists"];
    errors.push(fieldError.notSupported(path, operator, allowed));
  }
}

const INCLUSION_POLICIES = ["Honor", "Ignore"];

export function validateTopologySpread(errors: Errors, constraints: readonly core.TopologySpreadConstraint[], options: PodSpecOptions, path: FieldPath): void {
  for (const [i, constraint] of constraints.entries()) {
    const at = path.index(i);
    const { topologyKey = "", whenUnsatisfiable = "", minDomains, nodeAffinityPolicy, nodeTaintsPolicy, labelSelector } = constraint;
    checkPositive(errors, constraint.maxSkew, at.child("maxSkew"));
    if (topologyKey === "") errors.push(fieldError.required(at.child("topologyKey"), "can not be empty"));
    checkAllowed(errors, whenUnsatisfiable, ["DoNotSchedule", "ScheduleAnyway"], at.child("whenUnsatisfiable"));
    const isRepeated = constraints.slice(i + 1).some((c) => (c.topologyKey ?? "") === topologyKey && (c.whenUnsatisfiable ?? "") === whenUnsatisfiable);
    if (isRepeated) errors.push(fieldError.duplicate(at.child("{topologyKey, whenUnsatisfiable}"), `{${topologyKey}, ${whenUnsatisfiable}}`));
    if (minDomains !== undefined) validateMinDomains(errors, minDomains, whenUnsatisfiable, at.child("minDomains"));
    if (nodeAffinityPolicy !== undefined) checkAllowed(errors, nodeAffinityPolicy, INCLUSION_POLICIES, at.child("nodeAffinityPolicy"));
    if (nodeTaintsPolicy !== undefined) checkAllowed(errors, nodeTaintsPolicy, INCLUSION_POLICIES, at.child("nodeTaintsPolicy"));
    if (options.allowRepeatedMatchLabelKeys) validateSpreadKeys(errors, constraint, at.child("matchLabelKeys"));
    else validateLabelKeys(errors, constraint.matchLabelKeys, undefined, labelSelector, at);
    if (labelSelector && !options.allowInvalidSpreadSelectors) errors.push(...validateLabelSelector(labelSelector, at.child("labelSelector")));
  }
}

/** The older rule, for what was stored under it: no key may be in the selector. */
function validateSpreadKeys(errors: Errors, { matchLabelKeys = [], labelSelector }: core.TopologySpreadConstraint, path: FieldPath): void {
  if (matchLabelKeys.length === 0) return;
  if (!labelSelector) errors.push(fieldError.forbidden(path, "must not be specified when labelSelector is not set"));
  const selected = new Set([...Object.keys(labelSelector?.matchLabels ?? {}), ...(labelSelector?.matchExpressions ?? []).map(({ key }) => key)]);
  for (const [i, key] of matchLabelKeys.entries()) {
    checkLabelKey(errors, key, path.index(i));
    if (selected.has(key)) errors.push(fieldError.invalid(path.index(i), key, "exists in both matchLabelKeys and labelSelector"));
  }
}

function validateMinDomains(errors: Errors, minDomains: number, whenUnsatisfiable: string, path: FieldPath): void {
  checkPositive(errors, minDomains, path);
  if (whenUnsatisfiable === "DoNotSchedule") return;
  errors.push(fieldError.invalid(path, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`));
}

export function validateSchedulingGates(errors: Errors, gates: readonly core.PodSchedulingGate[], path: FieldPath): void {
  const seen = new Set<string>();
  for (const [i, { name = "" }] of gates.entries()) {
    checkLabelKey(errors, name, path.index(i));
    if (seen.has(name)) errors.push(fieldError.duplicate(path.index(i), name));
    seen.add(name);
  }
}
