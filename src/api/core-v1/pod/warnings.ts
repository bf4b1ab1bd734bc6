import type { Pod } from "#api/core-v1/types.ts";
import { FieldPath } from "#apimachinery/field-error.ts";
import { isDns1123Label } from "#apimachinery/validation/names.ts";

import { podSpecWarnings } from "../pod-spec/warnings.ts";

const ROOT = new FieldPath();

export function podWarnings({ metadata, spec }: Pod): string[] {
  const warnings = podSpecWarnings(spec, metadata.annotations, ROOT);
  const messages = isDns1123Label(metadata.name ?? "");
  if (messages.length === 0) return warnings;
  const why = "this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended";
  return [`metadata.name: ${why}: [${messages.join(" ")}]`, ...warnings];
}
