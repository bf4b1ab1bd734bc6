import { unexpected } from "#apimachinery/patch/patch-body.ts";
import { isDeepStrictEqual } from "node:util";

import { builtin } from "#api/resources.ts";
import type { Toleration } from "#api/core-v1/types.ts";
import type { RuntimeClass } from "#api/node-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { badSegment, forbidden, isPodCreate, podOf } from "#apiserver/admission/plugins/attributes.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";

const RUNTIME_CLASSES = builtin<RuntimeClass>("node.k8s.io", "v1", "runtimeclasses");
const MISMATCH = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

/** Gives pods the overhead and the placement of their runtime class. */
export function runtimeClassAdmission(reader: ObjectReader): AdmissionPlugin {
  return {
    name: "RuntimeClass",
    handles: isPodCreate,
    admit(attributes) {
      const found = classOf(attributes, reader);
      if (found?.overhead !== undefined) setOverhead(attributes, found);
      if (found?.scheduling !== undefined) setScheduling(attributes, found);
    },
    validate(attributes) {
      const expected = classOf(attributes, reader)?.overhead;
      const { overhead } = podOf(attributes).spec;
      if (expected !== undefined && !isDeepStrictEqual({ ...expected.podFixed }, { ...overhead })) throw forbidden(attributes, MISMATCH);
      if (expected === undefined && overhead !== undefined) {
        throw forbidden(attributes, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
      }
    },
  };
}

function classOf(attributes: AdmissionAttributes, reader: ObjectReader): RuntimeClass | undefined {
  const name = podOf(attributes).spec.runtimeClassName;
  if (name === undefined) return undefined;
  const bad = badSegment(name);
  if (bad !== undefined) throw unexpected(bad); // upstream's client refuses to ask
  const found = reader.lookup(RUNTIME_CLASSES, "", name);
  if (found === undefined) throw forbidden(attributes, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
  return found;
}

function setOverhead(attributes: AdmissionAttributes, { overhead }: RuntimeClass): void {
  const { spec } = podOf(attributes);
  const fixed = overhead?.podFixed;
  if (Object.keys(spec.overhead ?? {}).length > 0 && !isDeepStrictEqual({ ...spec.overhead }, { ...fixed })) throw forbidden(attributes, MISMATCH);
  if (fixed !== undefined) spec.overhead = { ...fixed };
}

function setScheduling(attributes: AdmissionAttributes, { scheduling }: RuntimeClass): void {
  const { spec } = podOf(attributes);
  const wanted = scheduling?.nodeSelector ?? {};
  for (const [key, value] of Object.entries(wanted)) {
    const own = spec.nodeSelector?.[key];
    if (own === undefined || own === value) continue;
    throw forbidden(attributes, `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`);
  }
  if (Object.keys(wanted).length > 0) spec.nodeSelector = { ...spec.nodeSelector, ...wanted };
  const merged = mergeTolerations([...(spec.tolerations ?? []), ...(scheduling?.tolerations ?? [])]);
  if (merged.length > 0) spec.tolerations = merged as Mutable<Toleration>[];
}

/** Leaves out those that another one covers; of equal ones the first stays. */
function mergeTolerations(all: readonly Toleration[]): Toleration[] {
  const merged: Toleration[] = [];
  all.forEach((each, i) => {
    const later = all.slice(i + 1).some((other) => !isDeepStrictEqual(each, other) && covers(other, each));
    if (!later && !merged.some((other) => covers(other, each))) merged.push(each);
  });
  return merged;
}

function covers(wide: Toleration, narrow: Toleration): boolean {
  if (isDeepStrictEqual(wide, narrow)) return true;
  if ((narrow.key ?? "") !== (wide.key ?? "") && (wide.key || wide.operator !== "Exists")) return false;
  if (wide.effect && narrow.effect !== wide.effect) return false;
  if (wide.effect === "NoExecute" && wide.tolerationSeconds !== undefined) {
    if (narrow.tolerationSeconds === undefined || wide.tolerationSeconds < narrow.tolerationSeconds) return false;
  }
  if (wide.operator === "Exists") return true;
  return (wide.operator ?? "Equal") === "Equal" && (narrow.operator ?? "Equal") === "Equal" && (wide.value ?? "") === (narrow.value ?? "");
}
