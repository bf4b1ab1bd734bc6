import type { Container, ObjectFieldSelector, Pod, ResourceFieldSelector } from "#api/core-v1/types.ts";

import { milliValue, wholeValue } from "#apimachinery/quantity.ts";

/** What fields a pod's containers may ask for beyond its object. */
export interface DownwardView {
  readonly pod: Pod;
  readonly hostIps: readonly string[];
  readonly podIps: readonly string[];
  /** The node's allocatable resources: the limit of what has none. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** The value of `fieldRef`, as a variable or a file has it; `undefined` for a path that is not supported. */
export function fieldValue({ fieldPath }: ObjectFieldSelector, { pod, hostIps, podIps }: DownwardView): string | undefined {
  const { metadata, spec } = pod;
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath);
  if (keyed !== null) return metadata[keyed[1] as "labels" | "annotations"]?.[keyed[2] as string] ?? "";
  switch (fieldPath) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace ?? "";
    case "metadata.uid":
      return metadata.uid ?? "";
    case "metadata.labels":
      return formatMap(metadata.labels);
    case "metadata.annotations":
      return formatMap(metadata.annotations);
    case "spec.nodeName":
      return spec.nodeName ?? "";
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "";
    case "status.hostIP":
      return hostIps[0] ?? "";
    case "status.hostIPs":
      return hostIps.join(",");
    case "status.podIP":
      return podIps[0] ?? "";
    case "status.podIPs":
      return podIps.join(",");
    default:
      return undefined;
  }
}

/** A line `key="value"` each, sorted, as Go quotes. */
function formatMap(map: Readonly<Record<string, string>> = {}): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join("\n");
}

/** The value of `resourceFieldRef`, in units of its divisor, rounded up; `undefined` for an unknown resource. */
export function resourceValue({ resource, divisor }: ResourceFieldSelector, container: Container, view: DownwardView): string | undefined {
  const match = /^(limits|requests)\.(.+)$/.exec(resource);
  if (match === null) return undefined;
  const [, list, name] = match as unknown as [string, "limits" | "requests", string];
  const own = container.resources?.[list]?.[name];
  const fallback = list === "limits" ? view.allocatable[name] : undefined;
  const amount = name === "cpu" ? milliValue : wholeValue;
  const unit = !divisor || divisor === "0" ? "1" : divisor;
  return String(Math.ceil(amount(own ?? fallback ?? "0") / amount(unit)));
}
