import { isDeepStrictEqual } from "node:util";

import { apiVersionOf, resourceInfo, type Resource } from "#api/resources.ts";
import { deepFreeze, keyOf, type KubeObject, type ObjectKey } from "#apimachinery/object.ts";
import type { ObjectMeta } from "#apimachinery/meta-v1/types.ts";
import { failure, statusError } from "#apimachinery/status-error.ts";
import type { DeleteOptions } from "#client/client.ts";
import { applyPatch } from "#client/testing/fake-patch.ts";
import { predicateOf, type Predicate } from "#client/testing/fake-selectors.ts";
import type { ApiCall, Transport, WatchCall, WatchEvent, WatchSink } from "#client/transport.ts";
import { formatTime, type Clock } from "#lib/clock.ts";
import { randomSuffix, seededRng, type Rng } from "#lib/rng.ts";

interface Table {
  readonly resource: Resource;
  readonly objects: Map<ObjectKey, KubeObject>;
}

interface Watch {
  readonly call: WatchCall;
  readonly matches: Predicate;
  readonly sink: WatchSink;
}

interface Change {
  readonly resource: Resource;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubeObject;
  readonly before: KubeObject | undefined;
}

type Body = Record<string, unknown> & { metadata: Partial<ObjectMeta> };

/** An API server in memory, with what controllers lean on: versions, conflicts, watches, status, deletion. */
export class FakeTransport implements Transport {
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #tables = new Map<string, Table>();
  readonly #watches = new Set<Watch>();
  #history: Change[] = [];
  #revision = 0;
  #compacted = 0;
  /** Every write that changed something, as `verb resource key`, for tests that count them. */
  readonly writes: string[] = [];
  /** Called before each request; a throw is the answer. */
  intercept: (call: ApiCall) => void = () => {};

  constructor(clock: Clock, rng: Rng = seededRng(1)) {
    this.#clock = clock;
    this.#rng = rng;
  }

  get revision(): number {
    return this.#revision;
  }

  /** All objects of a resource, ordered by key. */
  objects<T extends KubeObject>(resource: Resource<T>): readonly T[] {
    const { objects } = this.#table(resource);
    return [...objects.keys()].sort().map((key) => objects.get(key) as unknown as T);
  }

  /** Ends every watch, as a restart of the server would. */
  cutWatches(error?: Error): void {
    const watches = [...this.#watches];
    this.#watches.clear();
    for (const { sink } of watches) sink.onEnd(error);
  }

  /** Forgets the history: a watch that has not seen all of it gets 410. */
  compact(): void {
    this.#compacted = this.#revision;
    this.#history = [];
  }

  async perform(call: ApiCall, signal?: AbortSignal): Promise<unknown> {
    signal?.throwIfAborted();
    await undefined;
    this.intercept(call);
    switch (call.verb) {
      case "get":
        return this.#find(call);
      case "list":
        return this.#list(call);
      case "create":
        return call.subresource === undefined ? this.#create(call) : this.#createSubresource(call);
      case "update":
        return this.#update(call, call.body as Body);
      case "patch": {
        const patched = applyPatch(call.patchType ?? "merge", this.#find(call), call.body) as Body;
        return this.#update(call, patched);
      }
      case "delete":
        return this.#delete(call, this.#find(call));
      case "deletecollection":
        for (const object of (await this.#list(call)).items) this.#delete(call, object);
        return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" };
    }
  }

  watch(call: WatchCall, sink: WatchSink): { stop(): void } {
    const after = Number(call.resourceVersion);
    const watch: Watch = { call, sink, matches: predicateOf(call.labelSelector, call.fieldSelector) };
    if (after < this.#compacted) {
      queueMicrotask(() => sink.onEnd(statusError.expired(`too old resource version: ${after} (${this.#compacted})`)));
      return { stop() {} };
    }
    this.#watches.add(watch);
    for (const change of this.#history) {
      if (Number(change.object.metadata.resourceVersion) > after) this.#deliver(watch, change);
    }
    return { stop: () => void this.#watches.delete(watch) };
  }

  #table(resource: Resource): Table {
    const id = `${resource.group}/${resource.plural}`;
    let table = this.#tables.get(id);
    if (table === undefined) this.#tables.set(id, (table = { resource, objects: new Map() }));
    return table;
  }

  #find({ resource, namespace, name = "" }: ApiCall): KubeObject {
    const found = this.#table(resource).objects.get(resource.namespaced ? `${namespace}/${name}` : name);
    if (found === undefined) throw statusError.notFound(asGroupResource(resource), name);
    return found;
  }

  #list({ resource, namespace, options = {} }: ApiCall) {
    const matches = predicateOf(options.labelSelector, options.fieldSelector);
    const items = this.objects(resource).filter((object) => (!namespace || object.metadata.namespace === namespace) && matches(object));
    return { apiVersion: apiVersionOf(resource), kind: `${resource.kind}List`, metadata: { resourceVersion: String(this.#revision) }, items };
  }

  #create({ resource, namespace, body }: ApiCall): KubeObject {
    const draft = structuredClone(body) as Body;
    const { generateName, name = generateName === undefined ? "" : generateName + randomSuffix(this.#rng) } = draft.metadata;
    const metadata = {
      ...draft.metadata,
      ...(resource.namespaced && { namespace: namespace ?? "default" }),
      name,
      uid: this.#uid(),
      creationTimestamp: formatTime(this.#clock.now()),
      generation: 1,
    };
    if (this.#table(resource).objects.has(keyOf({ metadata }))) throw statusError.alreadyExists(asGroupResource(resource), name);
    const { status: _status, ...rest } = draft;
    const status = hasStatus(resource) ? { status: initialStatus(resource) } : draft["status"] === undefined ? {} : { status: draft["status"] };
    return this.#put(resource, { ...rest, ...status, metadata } as unknown as KubeObject, "create");
  }

  #createSubresource(call: ApiCall): unknown {
    const current = this.#find(call) as KubeObject & { spec: object; status: object };
    if (call.subresource === "binding") {
      const { target } = call.body as { target: { name: string } };
      this.#put(call.resource, { ...current, spec: { ...current.spec, nodeName: target.name } } as KubeObject, "update");
    } else if (call.subresource === "eviction") this.#delete(call, current);
    else throw statusError.notFound(asGroupResource(call.resource), call.name ?? "");
    return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" };
  }

  #update(call: ApiCall, body: Body): KubeObject {
    const { resource, subresource } = call;
    const current = this.#find(call) as unknown as Body;
    const draft = structuredClone(body);
    const { uid, resourceVersion } = draft.metadata;
    const name = current.metadata.name ?? "";
    if (uid !== undefined && uid !== current.metadata.uid) throw statusError.conflict(asGroupResource(resource), name, UID_CHANGED);
    if (resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion)
      throw statusError.conflict(asGroupResource(resource), name, MODIFIED);
    const next = this.#merged(resource, subresource, current, draft);
    const isUnchanged = isDeepStrictEqual(
      { ...next, metadata: { ...next.metadata, resourceVersion: "" } },
      { ...current, metadata: { ...current.metadata, resourceVersion: "" } },
    );
    if (isUnchanged) return current as unknown as KubeObject;
    return this.#put(resource, next as unknown as KubeObject, subresource === "status" ? "updateStatus" : "update");
  }

  /** What an update may change: status through its subresource, all else without. */
  #merged(resource: Resource, subresource: string | undefined, current: Body, draft: Body): Body {
    if (subresource === "status") {
      const { annotations } = draft.metadata;
      return { ...current, status: draft["status"], metadata: clean({ ...current.metadata, annotations }) };
    }
    if (subresource === "finalize") return { ...current, spec: draft["spec"] };
    const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation = 1, namespace, name } = current.metadata;
    const specChanged = !isDeepStrictEqual(draft["spec"], current["spec"]);
    const kept = { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, namespace, name };
    const metadata = clean({ ...draft.metadata, ...kept, generation: specChanged ? generation + 1 : generation });
    const status = hasStatus(resource) ? { status: current["status"] } : {};
    return clean({ ...draft, ...status, metadata }) as Body;
  }

  #delete({ resource, body }: ApiCall, object: KubeObject): unknown {
    const { gracePeriodSeconds, propagationPolicy, preconditions } = (body ?? {}) as DeleteOptions;
    const { name, uid, resourceVersion } = object.metadata;
    const isOther = (preconditions?.uid ?? uid) !== uid || (preconditions?.resourceVersion ?? resourceVersion) !== resourceVersion;
    if (isOther) throw statusError.conflict(asGroupResource(resource), name, "the precondition failed");
    const grace = resource.plural === "pods" && (object as { spec?: { nodeName?: string } }).spec?.nodeName ? (gracePeriodSeconds ?? 30) : 0;
    const policyFinalizer = propagationPolicy === "Foreground" ? ["foregroundDeletion"] : propagationPolicy === "Orphan" ? ["orphan"] : [];
    const finalizers = [...new Set([...(object.metadata.finalizers ?? []), ...policyFinalizer])];
    const isNamespace = resource.plural === "namespaces" && (object as { spec?: { finalizers?: unknown[] } }).spec?.finalizers?.length;
    if (grace === 0 && finalizers.length === 0 && !isNamespace) return this.#drop(resource, object);
    if (object.metadata.deletionTimestamp !== undefined && isDeepStrictEqual(finalizers, object.metadata.finalizers ?? [])) {
      if (grace > 0 || finalizers.length > 0 || isNamespace) return object;
    }
    const deletionTimestamp = object.metadata.deletionTimestamp ?? formatTime(this.#clock.now() + grace * 1000);
    const metadata = clean({
      ...object.metadata,
      deletionTimestamp,
      deletionGracePeriodSeconds: grace,
      finalizers: finalizers.length > 0 ? finalizers : undefined,
    });
    const status = isNamespace ? { status: { ...(object as { status?: object }).status, phase: "Terminating" } } : {};
    return this.#put(resource, { ...object, ...status, metadata } as KubeObject, "delete");
  }

  #put(resource: Resource, object: KubeObject, verb: string): KubeObject {
    const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
    const namespaceFinalizers = resource.plural === "namespaces" ? ((object as { spec?: { finalizers?: unknown[] } }).spec?.finalizers ?? []) : [];
    if (deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && finalizers.length + namespaceFinalizers.length === 0)
      return this.#drop(resource, object);
    const key = keyOf(object);
    const { objects } = this.#table(resource);
    const before = objects.get(key);
    const stored = this.#stamp(object);
    objects.set(key, stored);
    this.writes.push(`${verb} ${resource.plural} ${key}`);
    this.#publish({ resource, type: before === undefined ? "ADDED" : "MODIFIED", object: stored, before });
    return stored;
  }

  #drop(resource: Resource, object: KubeObject): KubeObject {
    const key = keyOf(object);
    const { objects } = this.#table(resource);
    const before = objects.get(key);
    objects.delete(key);
    const last = this.#stamp(object);
    this.writes.push(`delete ${resource.plural} ${key}`);
    this.#publish({ resource, type: "DELETED", object: last, before });
    return last;
  }

  #stamp(object: KubeObject): KubeObject {
    return deepFreeze({ ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#revision) } });
  }

  #publish(change: Change): void {
    this.#history.push(change);
    for (const watch of this.#watches) this.#deliver(watch, change);
  }

  /** An object that leaves a watch's selection is deleted there, one that enters it is added. */
  #deliver({ call, matches, sink }: Watch, { resource, type, object, before }: Change): void {
    if (resource.plural !== call.resource.plural || resource.group !== call.resource.group) return;
    if (call.namespace && object.metadata.namespace !== call.namespace) return;
    const isIn = type !== "DELETED" && matches(object);
    const wasIn = before !== undefined && matches(before);
    if (isIn) sink.onEvent({ type: wasIn ? "MODIFIED" : "ADDED", object } as WatchEvent);
    else if (wasIn) sink.onEvent({ type: "DELETED", object });
  }

  #uid(): string {
    const hex = Array.from({ length: 32 }, () => Math.floor(this.#rng() * 16).toString(16)).join("");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }
}

const MODIFIED = "the object has been modified; please apply your changes to the latest version and try again";
const UID_CHANGED = "the UID in the precondition does not match the UID in record";

const asGroupResource = ({ group, plural }: Resource) => ({ group, resource: plural });

function hasStatus({ group, version, plural }: Resource): boolean {
  return resourceInfo(group, version, plural)?.subresources.some(({ name }) => name === "status" || name.endsWith("/status")) ?? false;
}

function initialStatus({ plural }: Resource): object {
  return plural === "pods" ? { phase: "Pending" } : plural === "namespaces" ? { phase: "Active" } : {};
}

function clean<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}

/** The answer of a server that is overloaded; for `intercept`. */
export const unavailable = () => failure(503, "ServiceUnavailable", "the server is currently unable to handle the request");
