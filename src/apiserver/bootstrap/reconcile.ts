import { isDeepStrictEqual } from "node:util";

import type { KubeObject } from "#apimachinery/object.ts";
import type { BootstrapObject } from "#apiserver/bootstrap/bootstrap.ts";

type Fields = Readonly<Record<string, unknown>>;

const AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate";
const ADVERTISED = new Set(["Endpoints default/kubernetes", "EndpointSlice default/kubernetes", "ConfigMap kube-system/extension-apiserver-authentication"]);

/**
 * What has to be written so that `found` is up to date; `undefined` when nothing has. Users may change most of what a
 * cluster begins with: only the default roles are kept at least as wide as we need them, and what says where the API is.
 */
export function reconcileObject(found: KubeObject, wanted: BootstrapObject): object | undefined {
  const { kind, metadata } = wanted;
  const name = `${kind} ${metadata.namespace ?? ""}/${metadata.name}`;
  if (kind === "ClusterRole" || kind === "Role") return found.metadata.annotations?.[AUTOUPDATE] === "true" ? widened(found, wanted, "rules") : undefined;
  if (kind === "ClusterRoleBinding" || kind === "RoleBinding") {
    return found.metadata.annotations?.[AUTOUPDATE] === "true" ? widened(found, wanted, "subjects") : undefined;
  }
  if (name === "Service default/kubernetes") return withPorts(found, wanted);
  return ADVERTISED.has(name) ? replaced(found, wanted) : undefined;
}

function widened(found: KubeObject, wanted: BootstrapObject, field: "rules" | "subjects"): object | undefined {
  const present = listOf(found, field);
  const missing = listOf(wanted, field).filter((each) => !present.some((other) => isDeepStrictEqual(plain(other), each)));
  return missing.length === 0 ? undefined : typed({ ...found, [field]: [...present, ...missing] }, wanted);
}

function withPorts(found: KubeObject, wanted: BootstrapObject): object | undefined {
  const spec = (found as unknown as { spec: Fields }).spec;
  const { ports } = (wanted as unknown as { spec: Fields }).spec;
  return isDeepStrictEqual(plain(spec["ports"]), ports) ? undefined : typed({ ...found, spec: { ...spec, ports } }, wanted);
}

function replaced(found: KubeObject, wanted: BootstrapObject): object | undefined {
  const { metadata: _, ...fields } = wanted;
  const changed = Object.entries(fields).some(
    ([key, value]) => key !== "apiVersion" && key !== "kind" && !isDeepStrictEqual(plain((found as unknown as Fields)[key]), value),
  );
  return changed ? { ...found, ...fields } : undefined;
}

const listOf = (object: object, field: string): readonly unknown[] => ((object as Fields)[field] as readonly unknown[] | undefined) ?? [];

/** Without prototypes and frozenness, which a deep comparison minds. */
const plain = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

const typed = (object: object, { apiVersion, kind }: BootstrapObject) => ({ ...object, apiVersion, kind });
