import { NAMESPACES } from "#api/builtin.ts";
import { ALL_KINDS, type Resource } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import { clusterObjects, furtherServices, SYSTEM_NAMESPACES, type ClusterFacts } from "#apiserver/bootstrap/cluster-objects.ts";
import { reconcileObject } from "#apiserver/bootstrap/reconcile.ts";
import type { Call, RequestContext } from "#apiserver/registry/types.ts";
import { LOOPBACK_USER } from "#apiserver/user.ts";
import { formatTime, type Clock } from "#lib/clock.ts";

export interface BootstrapDeps {
  readonly reader: ObjectReader;
  /** The registry. */
  perform(call: Call, context: RequestContext): Promise<unknown>;
  readonly clock: Clock;
}

/** An object without what the server fills in. */
export type BootstrapObject = Omit<KubeObject, "metadata"> & {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly status?: { readonly conditions: readonly object[] };
};

const CONTEXT: RequestContext = { user: LOOPBACK_USER, userAgent: "kube-apiserver/v1.35", warn() {} };

/**
 * Makes what every cluster has by itself and is not there yet, and brings what has become old up to date. Runs at every
 * start; a settled cluster sees no write. All writes of a step are given to the store together, so that they share commits.
 */
export async function bootstrapCluster(deps: BootstrapDeps, facts: ClusterFacts): Promise<void> {
  const namespaces = SYSTEM_NAMESPACES.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
  await Promise.all(namespaces.map((object) => ensure(object, deps)));
  const { default: entries } = await import("./objects.json", { with: { type: "json" } });
  const fixed = entries as readonly unknown[] as BootstrapObject[];
  const objects = [
    ...fixed,
    ...furtherServices(facts.versions, new Set(fixed.map(({ metadata }) => metadata.name))),
    ...clusterObjects(facts, deps.clock.now()),
  ];
  await Promise.all(objects.map((object) => ensure(object, deps)));
}

async function ensure(object: BootstrapObject, { reader, perform, clock }: BootstrapDeps): Promise<void> {
  const resource = resourceOf(object);
  const { name, namespace } = object.metadata;
  const target = { resource, namespace, name };
  const found = reader.lookup(resource, namespace ?? "", name);
  const wanted = found === undefined ? undefined : reconcileObject(found, object, clock.now());
  if (found !== undefined && wanted === undefined) return;
  const { status, ...body } = object;
  try {
    if (wanted !== undefined) return void (await perform({ verb: "update", ...target, body: wanted }, CONTEXT));
    const created = (await perform({ verb: "create", resource, namespace, body }, CONTEXT)) as KubeObject;
    if (status === undefined) return;
    const conditions = status.conditions.map((condition) => ({ ...condition, lastTransitionTime: formatTime(clock.now()) }));
    await perform({ verb: "update", subresource: "status", ...target, body: { ...typed(created, object), status: { conditions } } }, CONTEXT);
  } catch (error) {
    // Another server that starts beside this one was quicker.
    if (!isStatus(error, "AlreadyExists", "Conflict")) throw error;
  }
}

/** The registry may answer with an object as the cache has it, without its kind. */
const typed = (created: KubeObject, { apiVersion, kind }: BootstrapObject) => ({ ...created, apiVersion, kind });

const byKind = new Map<string, Resource>();

function resourceOf({ apiVersion, kind }: BootstrapObject): Resource {
  if (byKind.size === 0) {
    for (const info of ALL_KINDS) byKind.set(`${info.group === "" ? "" : `${info.group}/`}${info.version} ${info.kind}`, info as Resource);
  }
  return byKind.get(`${apiVersion} ${kind}`) ?? NAMESPACES;
}
