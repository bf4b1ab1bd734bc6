import type * as older from "#api/apps-v1beta1/types.ts";
import type { Scale } from "#api/autoscaling-v1/types.ts";
import { formatLabels, parseLabelSelector } from "#apimachinery/label-selector.ts";

/**
 * A Scale as old versions have it: the selector as labels, where it is no more than that, and as text.
 *
 * @see kubernetes pkg/apis/apps/v1beta1/conversion.go
 */
export function olderScale({ metadata, spec, status }: Scale, apiVersion: string): older.Scale {
  const text = status?.selector ?? "";
  const labels = onlyLabels(text);
  const shown = { replicas: status?.replicas ?? 0, ...(labels && { selector: labels }), ...(text !== "" && { targetSelector: text }) };
  return { kind: "Scale", apiVersion, metadata, spec: spec ?? {}, status: shown };
}

export function newerScale({ metadata, spec, status }: older.Scale): Scale {
  const { replicas = 0, selector, targetSelector } = status ?? {};
  const text = targetSelector || formatLabels(selector);
  return { kind: "Scale", apiVersion: "autoscaling/v1", metadata, spec, status: { replicas, ...(text !== "" && { selector: text }) } };
}

function onlyLabels(text: string): Readonly<Record<string, string>> | undefined {
  const { requirements } = parseLabelSelector(text);
  const isLabel = ({ operator }: (typeof requirements)[number]) => operator === "=" || operator === "==";
  if (requirements.length === 0 || !requirements.every(isLabel)) return undefined;
  return Object.fromEntries(requirements.map(({ key, values }) => [key, values[0] ?? ""]));
}
