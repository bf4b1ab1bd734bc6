import type { Taint } from "#api/core-v1/types.ts";
import { DecodeError } from "#apimachinery/decode/decode.ts";
import { parseJson } from "#apimachinery/decode/json.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";

import type { Errors } from "../pod-spec/checks.ts";
import { validateTaints } from "./validate-taints.ts";

const TAINTS = "scheduler.alpha.kubernetes.io/taints";
const AVOID_PODS = "scheduler.alpha.kubernetes.io/preferAvoidPods";

/** Annotations that held JSON before there were fields for it. */
export function validateNodeAnnotations(errors: Errors, annotations: Readonly<Record<string, string>> = {}, path: FieldPath): void {
  if (annotations[TAINTS]) {
    const { value, fault } = parsed(annotations[TAINTS], (json) => Array.isArray(json) || json === null, "[]core.Taint");
    if (fault !== undefined) errors.push(fieldError.invalid(path, TAINTS, fault));
    else validateTaints(errors, (value ?? []) as Taint[], path.child(TAINTS));
  }
  if (annotations[AVOID_PODS]) {
    const { value, fault } = parsed(annotations[AVOID_PODS], (json) => typeof json === "object" && !Array.isArray(json), "v1.AvoidPods");
    if (fault !== undefined) errors.push(fieldError.invalid(path.child("AvoidPods"), AVOID_PODS, fault));
    else validateAvoidPods(errors, value as AvoidPods | null, path.child(AVOID_PODS));
  }
}

interface AvoidPods {
  readonly preferAvoidPods?: readonly { readonly podSignature?: { readonly podController?: { readonly controller?: boolean } } }[];
}

function validateAvoidPods(errors: Errors, avoid: AvoidPods | null, path: FieldPath): void {
  for (const [i, { podSignature }] of (avoid?.preferAvoidPods ?? []).entries()) {
    const at = path.index(i).child("PodSignature");
    const controller = podSignature?.podController;
    if (!controller) errors.push(fieldError.required(at));
    else if (!controller.controller) errors.push(fieldError.invalid(at.child("PodController", "Controller"), false, "must point to a controller"));
  }
}

function parsed(text: string, isKind: (json: unknown) => boolean, type: string): { readonly value?: unknown; readonly fault?: string } {
  try {
    const { value } = parseJson(text);
    if (isKind(value)) return { value };
    const kind = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
    return { fault: `json: cannot unmarshal ${kind} into Go value of type ${type}` };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return { fault: error.message };
  }
}
