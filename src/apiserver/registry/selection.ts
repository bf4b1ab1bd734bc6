import type { KubeObject } from "#apimachinery/object.ts";
import type { WatchScope } from "#apiserver/cache/watchers.ts";
import { fieldMatcher, labelMatcher } from "#apiserver/registry/selectors.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";

/** What a list or watch wants to see. */
export interface Selection {
  /** `undefined`: everything. */
  readonly matches: ((object: KubeObject) => boolean) | undefined;
  readonly scope: WatchScope;
}

/** @throws {StatusError} 400 for selectors that do not parse or name fields that cannot be selected by */
export function selectionOf(
  served: ServedResource,
  { namespace, labelSelector, fieldSelector }: { readonly namespace: string; readonly labelSelector: string; readonly fieldSelector: string },
): Selection {
  const labels = labelSelector === "" ? undefined : labelMatcher(labelSelector);
  const fields = fieldSelector === "" ? undefined : fieldMatcher(served, fieldSelector);
  const scope: WatchScope = {
    ...(namespace !== "" && { namespace }),
    ...(fields?.exact.has("metadata.name") && { name: fields.exact.get("metadata.name")! }),
    ...(fields?.exact.has("spec.nodeName") && served.info.kind === "Pod" && { nodeName: fields.exact.get("spec.nodeName")! }),
  };
  if (labels === undefined && fields === undefined) return { matches: undefined, scope };
  const matchesView = (object: KubeObject) =>
    (labels === undefined || labels(object.metadata.labels ?? {})) && (fields === undefined || fields.matches(object));
  const { view } = served;
  return { matches: view === undefined ? matchesView : (object) => matchesView(view.fromStored(object)), scope };
}
