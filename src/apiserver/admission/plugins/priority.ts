import { PRIORITY_CLASSES } from "#api/builtin.ts";
import type { Pod } from "#api/core-v1/types.ts";
import type { PriorityClass } from "#api/scheduling-v1/types.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { forbidden, podOf, targets } from "#apiserver/admission/plugins/attributes.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";

/** Turns the name of a pod's priority class into a number, and keeps the default class the only one. */
export function priorityAdmission(reader: ObjectReader): AdmissionPlugin {
  return {
    name: "Priority",
    handles: (target) => targets(target, "", "pods", "CREATE", "UPDATE") || targets(target, "scheduling.k8s.io", "priorityclasses", "CREATE", "UPDATE"),
    admit(attributes) {
      if (attributes.resource.plural !== "pods") return;
      if (attributes.operation === "CREATE") resolvePriority(attributes, reader);
      else keepPriority(attributes);
    },
    validate(attributes) {
      if (attributes.resource.plural === "priorityclasses") validateClass(attributes, reader);
    },
  };
}

function keepPriority(attributes: AdmissionAttributes): void {
  const { spec } = podOf(attributes);
  const { spec: old } = attributes.oldObject as Pod;
  if (spec.priority === undefined && old.priority !== undefined) spec.priority = old.priority;
  if (spec.preemptionPolicy === undefined && old.preemptionPolicy !== undefined) spec.preemptionPolicy = old.preemptionPolicy;
}

function resolvePriority(attributes: AdmissionAttributes, reader: ObjectReader): void {
  const { spec } = podOf(attributes);
  const name = spec.priorityClassName ?? "";
  const found = name === "" ? defaultClass(reader) : reader.lookup(PRIORITY_CLASSES, "", name);
  if (name !== "" && found === undefined) throw forbidden(attributes, `no PriorityClass with name ${name} was found`);
  if (found !== undefined) spec.priorityClassName = found.metadata.name;

  const priority = found?.value ?? 0;
  if (spec.priority !== undefined && spec.priority !== priority) {
    const must = `the integer value of priority (${spec.priority}) must not be provided in pod spec`;
    throw forbidden(attributes, `${must}; priority admission controller computed ${priority} from the given PriorityClass name`);
  }
  spec.priority = priority;

  const policy = found === undefined ? "PreemptLowerPriority" : found.preemptionPolicy;
  if (policy === undefined) return;
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    const must = `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec`;
    throw forbidden(attributes, `${must}; priority admission controller computed ${policy} from the given PriorityClass name`);
  }
  spec.preemptionPolicy = policy;
}

/** Of several, which only a race can make, the lowest. */
function defaultClass(reader: ObjectReader): PriorityClass | undefined {
  const defaults = reader.list(PRIORITY_CLASSES, "").filter(({ globalDefault }) => globalDefault);
  return defaults.reduce<PriorityClass | undefined>((lowest, each) => (lowest === undefined || lowest.value > each.value ? each : lowest), undefined);
}

function validateClass(attributes: AdmissionAttributes, reader: ObjectReader): void {
  const { globalDefault, metadata } = attributes.object as PriorityClass;
  if (!globalDefault) return;
  const present = defaultClass(reader)?.metadata.name;
  if (present === undefined || (attributes.operation === "UPDATE" && present === metadata.name)) return;
  throw forbidden(attributes, `PriorityClass ${present} is already marked as default. Only one default can exist`);
}
