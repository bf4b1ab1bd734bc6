import { checkAllowed, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import { checkImmutable } from "#api/immutable.ts";
import type { PriorityClass } from "#api/scheduling-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";

const HIGHEST_USER_PRIORITY = 1_000_000_000;
const SYSTEM_PREFIX = "system-";
const SYSTEM_VALUES: Readonly<Record<string, number>> = {
  "system-node-critical": 2 * HIGHEST_USER_PRIORITY + 1000,
  "system-cluster-critical": 2 * HIGHEST_USER_PRIORITY,
};
const PREEMPTION = new FieldPath("preemptionPolicy");

/** @see kubernetes pkg/registry/scheduling/priorityclass/strategy.go */
export const priorityClassStrategy: Strategy<PriorityClass> = {
  hasGeneration: true,
  // Only a create sets the generation; no update changes it.
  generationFields: () => undefined,
  applyDefaults(priorityClass) {
    priorityClass.preemptionPolicy ??= "PreemptLowerPriority";
  },
  validateCreate(priorityClass) {
    const errors: Errors = [];
    const fault = systemFault(priorityClass);
    if (fault !== undefined) {
      const why = `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only. error: ${fault}`;
      errors.push(fieldError.forbidden(new FieldPath("metadata.name"), why));
    } else if (!priorityClass.metadata.name?.startsWith(SYSTEM_PREFIX) && priorityClass.value > HIGHEST_USER_PRIORITY) {
      errors.push(fieldError.forbidden(new FieldPath("value"), `maximum allowed value of a user defined priority is ${HIGHEST_USER_PRIORITY}`));
    }
    checkPreemption(errors, priorityClass.preemptionPolicy);
    return errors;
  },
  validateUpdate(priorityClass, old): FieldError[] {
    const errors: Errors = [];
    if (priorityClass.value !== old.value) errors.push(fieldError.forbidden(new FieldPath("value"), "may not be changed in an update."));
    checkImmutable(errors, priorityClass.preemptionPolicy, old.preemptionPolicy, PREEMPTION);
    return errors;
  },
};

function checkPreemption(errors: Errors, policy: string | undefined): void {
  if (policy === undefined) return;
  if (policy === "") errors.push(fieldError.required(PREEMPTION));
  else checkAllowed(errors, policy, ["PreemptLowerPriority", "Never"], PREEMPTION);
}

/** What keeps a class with a system name from being one of the system's own. */
function systemFault({ metadata: { name = "" }, value, globalDefault = false }: PriorityClass): string | undefined {
  if (!name.startsWith(SYSTEM_PREFIX)) return undefined;
  const wanted = SYSTEM_VALUES[name];
  if (wanted === undefined) return `${name} is not a known system priority class`;
  if (value !== wanted) return `value of ${name} PriorityClass must be ${wanted}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}
