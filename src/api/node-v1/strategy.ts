import { type Errors, pushInvalid } from "#api/core-v1/pod-spec/checks.ts";
import { oldNodeLabel } from "#api/core-v1/pod-spec/old-node-labels.ts";
import { validateContainerResources } from "#api/core-v1/pod-spec/validate-resources.ts";
import { validateTolerations } from "#api/core-v1/pod-spec/validate-scheduling.ts";
import type { Toleration } from "#api/core-v1/types.ts";
import { checkImmutable } from "#api/immutable.ts";
import type { RuntimeClass } from "#api/node-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { isDns1123Label } from "#apimachinery/validation/names.ts";
import { validateLabels } from "#apimachinery/validation/object-meta.ts";

const HANDLER = new FieldPath("handler");
const SCHEDULING = new FieldPath("scheduling");
const NO_CLAIMS = { claimNames: new Set<string>(), allowIndivisibleHugePages: false };

/** @see kubernetes pkg/registry/node/runtimeclass/strategy.go */
export const runtimeClassStrategy: Strategy<RuntimeClass> = {
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  validateCreate: validate,
  validateUpdate(runtimeClass, old) {
    const errors: Errors = [];
    checkImmutable(errors, runtimeClass.handler, old.handler, HANDLER);
    return errors;
  },
  warningsOnCreate: warnings,
  warningsOnUpdate: warnings,
};

function warnings({ scheduling }: RuntimeClass): string[] {
  const keys = Object.keys(scheduling?.nodeSelector ?? {}).sort();
  return keys.flatMap((key) => (oldNodeLabel(key) === undefined ? [] : [`${SCHEDULING.child("nodeSelector")}: ${oldNodeLabel(key)}`]));
}

function validate({ handler = "", overhead, scheduling }: RuntimeClass): FieldError[] {
  const errors: Errors = [];
  pushInvalid(errors, HANDLER, handler, isDns1123Label(handler));
  if (overhead?.podFixed) validateContainerResources(errors, { limits: overhead.podFixed }, NO_CLAIMS, new FieldPath("overhead"));
  if (!scheduling) return errors;
  if (scheduling.nodeSelector) errors.push(...validateLabels(scheduling.nodeSelector, SCHEDULING.child("nodeSelector")));
  const path = SCHEDULING.child("tolerations");
  const tolerations = scheduling.tolerations ?? [];
  validateTolerations(errors, tolerations, path);
  const seen = new Set<string>();
  for (const [i, toleration] of tolerations.entries()) {
    const { key = "", operator = "", value = "", effect = "" } = toleration;
    const identity = JSON.stringify([key, operator, value, effect]);
    if (seen.has(identity)) errors.push(fieldError.duplicate(path.index(i), asGo(toleration)));
    seen.add(identity);
  }
  return errors;
}

const asGo = ({ key = "", operator = "", value = "", effect = "", tolerationSeconds }: Toleration) => ({
  Key: key,
  Operator: operator,
  Value: value,
  Effect: effect,
  TolerationSeconds: tolerationSeconds ?? null,
});
