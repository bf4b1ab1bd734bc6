import type { CustomResourceDefinition } from "#api/apiextensions-v1/types.ts";
import { type FieldError, FieldPath, fieldError } from "#apimachinery/field-error.ts";

const APPROVED = "api-approved.kubernetes.io";
const PATH = new FieldPath("metadata").child("annotations").key(APPROVED);
const SEE = "see https://github.com/kubernetes/enhancements/pull/1111";

export type Approval = { readonly state: "missing" | "invalid" | "approved" | "bypassed"; readonly reason: string };

/** Groups of the community's own. */
export function isProtectedGroup(group: string): boolean {
  return ["k8s.io", "kubernetes.io"].some((own) => group === own || group.endsWith(`.${own}`));
}

/** @see apiextensions-apiserver pkg/apihelpers/helpers.go */
export function approvalOf({ metadata }: CustomResourceDefinition): Approval {
  const text = metadata.annotations?.[APPROVED] ?? "";
  if (text === "") return { state: "missing", reason: `protected groups must have approval annotation "${APPROVED}", ${SEE}` };
  if (text.startsWith("unapproved")) return { state: "bypassed", reason: `not approved: ${JSON.stringify(text)}` };
  if (/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#\s]+/.test(text)) return { state: "approved", reason: `approved in ${text}` };
  return {
    state: "invalid",
    reason: `protected groups must have approval annotation "${APPROVED}" with either a URL or a reason starting with "unapproved", ${SEE}`,
  };
}

/** What was let through once stays. */
export function approvalErrors(definition: CustomResourceDefinition, old: CustomResourceDefinition | undefined): FieldError[] {
  if (!isProtectedGroup(definition.spec.group ?? "")) return [];
  const { state, reason } = approvalOf(definition);
  if (old !== undefined && approvalOf(old).state === state) return [];
  if (state === "missing") return [fieldError.required(PATH, reason)];
  return state === "invalid" ? [fieldError.invalid(PATH, definition.metadata.annotations?.[APPROVED], reason)] : [];
}
