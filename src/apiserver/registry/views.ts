import type { HorizontalPodAutoscaler as OlderAutoscaler } from "#api/autoscaling-v1/types.ts";
import { toNewer, toOlder } from "#api/autoscaling-v2/older-version.ts";
import type { HorizontalPodAutoscaler as NewerAutoscaler } from "#api/autoscaling-v2/types.ts";
import { legacyView } from "#api/legacy/versions.ts";
import type { ResourceInfo } from "#api/resources.ts";
import type { View } from "#api/view.ts";
import type { KubeObject } from "#apimachinery/object.ts";

/** @returns `undefined` for a version that is stored as it is */
export function viewOf(info: ResourceInfo): View | undefined {
  const { group, version, plural } = info;
  return views[`${group}/${version}/${plural}`] ?? (info.legacy === true ? legacyView(info) : undefined);
}

type Fields = Record<string, unknown>;

/** Fields of core/v1 and events.k8s.io/v1 Events that differ in name. */
const EVENT_FIELDS: readonly (readonly [core: string, events: string])[] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["reportingComponent", "reportingController"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
];

const views: Readonly<Record<string, View>> = {
  "autoscaling/v1/horizontalpodautoscalers": {
    stored: { group: "autoscaling", plural: "horizontalpodautoscalers", kind: "HorizontalPodAutoscaler", apiVersion: "autoscaling/v2" },
    toStored: (object) => toNewer(object as OlderAutoscaler),
    fromStored: (object) => toOlder(object as NewerAutoscaler),
  },
  "events.k8s.io/v1/events": {
    stored: { group: "", plural: "events", kind: "Event", apiVersion: "v1" },
    toStored: withReporter(renaming("v1", new Map(EVENT_FIELDS.map(([core, events]) => [events, core])))),
    fromStored: withoutReporter(renaming("events.k8s.io/v1", new Map(EVENT_FIELDS))),
  },
};

type Conversion = (object: KubeObject) => KubeObject;

/** Core Events tell their reporter even where there is none; those of events.k8s.io do not. */
function withReporter(convert: Conversion): Conversion {
  return (object) => {
    const converted = convert(object) as KubeObject & Fields;
    return "reportingComponent" in converted && "reportingInstance" in converted
      ? converted
      : ({ ...converted, reportingComponent: "", reportingInstance: "", ...converted } as KubeObject);
  };
}

function withoutReporter(convert: Conversion): Conversion {
  return (object) => {
    const { reportingController, reportingInstance, ...rest } = convert(object) as unknown as Fields;
    return { ...rest, ...(reportingController ? { reportingController } : {}), ...(reportingInstance ? { reportingInstance } : {}) } as unknown as KubeObject;
  };
}

function renaming(apiVersion: string, names: ReadonlyMap<string, string>): (object: KubeObject) => KubeObject {
  return (object) => {
    const { kind, metadata, ...rest } = object as KubeObject & Fields;
    const renamed: Fields = { kind, apiVersion, metadata };
    for (const name in rest) if (name !== "apiVersion") renamed[names.get(name) ?? name] = rest[name];
    return renamed as unknown as KubeObject;
  };
}
