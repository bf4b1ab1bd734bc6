import type * as extensions from "#api/extensions-v1beta1/types.ts";
import type * as networking from "#api/networking-v1/types.ts";
import { apiVersionOf, LEGACY_KINDS, type ResourceInfo } from "#api/resources.ts";
import { kindSchema } from "#api/schema/table.ts";
import type { View } from "#api/view.ts";
import { decodeObject } from "#apimachinery/decode/decode.ts";
import type { JsonObject } from "#apimachinery/decode/own.ts";
import type { KubeObject } from "#apimachinery/object.ts";

import { ingressFromStored, ingressToStored } from "./ingress.ts";
import { MOVED_FIELDS, workloadFromStored, workloadToStored } from "./workloads.ts";

const NETWORKING = new Set(["Ingress", "NetworkPolicy"]);

let views: ReadonlyMap<string, View> | undefined;

/** How a version that upstream serves no longer shows what is stored as today's; `undefined` for all others. */
export function legacyView({ group, version, kind }: Pick<ResourceInfo, "group" | "version" | "kind">): View | undefined {
  views ??= new Map(LEGACY_KINDS.map((info) => [legacyKey(info), viewOf(info)]));
  return views.get(legacyKey({ group, version, kind }));
}

export function legacyKey({ group, version, kind }: Pick<ResourceInfo, "group" | "version" | "kind">): string {
  return `${group}/${version} ${kind}`;
}

function viewOf(info: ResourceInfo): View {
  const { kind, plural } = info;
  const group = NETWORKING.has(kind) ? "networking.k8s.io" : "apps";
  const stored = { group, plural, kind, apiVersion: `${group}/v1` };
  const [toStored, fromStored] = conversions(info, stored.apiVersion);
  return { stored, toStored, fromStored: (object) => canonical(info, fromStored(object)) };
}

type Conversion = (object: KubeObject) => KubeObject;

function conversions(info: ResourceInfo, stored: string): [toStored: Conversion, fromStored: Conversion] {
  if (info.kind === "Ingress") return [(object) => ingressToStored(object as extensions.Ingress), (object) => ingressFromStored(object as networking.Ingress)];
  const moved = MOVED_FIELDS[legacyKey(info)];
  return [(object) => workloadToStored(object, stored, moved), (object) => workloadFromStored(object, apiVersionOf(info), moved)];
}

/** With what the version always says, and without what it cannot. */
function canonical({ group, version, kind }: ResourceInfo, object: KubeObject): KubeObject {
  return decodeObject<KubeObject>(kindSchema(group, version, kind)!, object as KubeObject & JsonObject).object;
}
