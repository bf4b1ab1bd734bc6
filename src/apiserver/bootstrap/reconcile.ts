import { isDeepStrictEqual } from "node:util";

import type { KubeObject } from "#apimachinery/object.ts";
import type { PolicyRule } from "#apiserver/authz/authorizer.ts";
import { uncovered } from "#apiserver/authz/coverage.ts";
import { combinedAuthentication } from "#apiserver/bootstrap/authentication-map.ts";
import type { BootstrapObject } from "#apiserver/bootstrap/bootstrap.ts";

type Fields = Readonly<Record<string, unknown>>;
type Texts = Readonly<Record<string, string>>;

const AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate";
const RBAC_KINDS = new Set(["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]);
const ADVERTISED = new Set(["Endpoints default/kubernetes", "EndpointSlice default/kubernetes"]);
const AUTHENTICATION_MAP = "ConfigMap kube-system/extension-apiserver-authentication";

/**
 * What has to be written so that `found` is up to date; `undefined` when nothing has. Users may change most of what a
 * cluster begins with: only the default roles are kept at least as wide as we need them, and what says where the API is.
 */
export function reconcileObject(found: KubeObject, wanted: BootstrapObject, nowMs = 0): object | undefined {
  const { kind, metadata } = wanted;
  const name = `${kind} ${metadata.namespace ?? ""}/${metadata.name}`;
  if (RBAC_KINDS.has(kind ?? "")) return found.metadata.annotations?.[AUTOUPDATE] === "false" ? undefined : widened(found, wanted);
  if (name === "Service default/kubernetes") return withPorts(found, wanted);
  if (name === AUTHENTICATION_MAP) return replaced(found, { ...wanted, data: combinedAuthentication(dataOf(found), dataOf(wanted), nowMs) } as BootstrapObject);
  return ADVERTISED.has(name) ? replaced(found, wanted) : undefined;
}

/**
 * A default role or binding with all that we need, and all that others have added.
 *
 * @see kubernetes component-helpers/auth/rbac/reconciliation
 */
function widened(found: KubeObject, wanted: BootstrapObject): object | undefined {
  const rules = uncovered(listOf(found, "rules") as readonly PolicyRule[], listOf(wanted, "rules") as readonly PolicyRule[]);
  const subjects = missing(listOf(found, "subjects"), listOf(wanted, "subjects"));
  const selectors = missing(selectorsOf(found), selectorsOf(wanted));
  const marks = marked(found, wanted);
  if (rules.length + subjects.length + selectors.length === 0 && marks === undefined) return undefined;
  const widen = (field: string, more: readonly unknown[]) => (more.length === 0 ? {} : { [field]: [...listOf(found, field), ...more] });
  return typed(
    {
      ...found,
      ...(marks !== undefined && { metadata: { ...found.metadata, ...marks } }),
      ...widen("rules", rules),
      ...widen("subjects", subjects),
      ...(selectors.length > 0 && { aggregationRule: { clusterRoleSelectors: [...selectorsOf(found), ...selectors] } }),
    },
    wanted,
  );
}

/** Labels and annotations that are not there; what others have set stays. */
function marked({ metadata: before }: KubeObject, { metadata }: BootstrapObject): object | undefined {
  const wanted = metadata as { readonly labels?: Texts; readonly annotations?: Texts };
  const lacks = (own: Texts | undefined, all: Texts | undefined) => Object.keys(all ?? {}).some((key) => own?.[key] === undefined);
  if (!lacks(before.labels, wanted.labels) && !lacks(before.annotations, wanted.annotations)) return undefined;
  return { labels: { ...wanted.labels, ...before.labels }, annotations: { ...wanted.annotations, ...before.annotations } };
}

function missing(present: readonly unknown[], wanted: readonly unknown[]): readonly unknown[] {
  return wanted.filter((each) => !present.some((other) => isDeepStrictEqual(plain(other), each)));
}

function selectorsOf(role: object): readonly unknown[] {
  const rule = (role as Fields)["aggregationRule"] as Fields | null | undefined;
  return (rule?.["clusterRoleSelectors"] as readonly unknown[] | undefined) ?? [];
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

const dataOf = (object: object): Texts => ((object as Fields)["data"] as Texts | undefined) ?? {};

const listOf = (object: object, field: string): readonly unknown[] => ((object as Fields)[field] as readonly unknown[] | undefined) ?? [];

/** Without prototypes and frozenness, which a deep comparison minds. */
const plain = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

const typed = (object: object, { apiVersion, kind }: BootstrapObject) => ({ ...object, apiVersion, kind });
