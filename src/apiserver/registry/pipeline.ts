import type { KubeObject } from "#apimachinery/object.ts";
import { statusError } from "#apimachinery/status-error.ts";
import { askedName } from "#apiserver/authz/asked-name.ts";
import { forbidden } from "#apiserver/authz/forbidden.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import { follow } from "#apiserver/registry/follow.ts";
import type { DeleteOptions, ListOptions } from "#apiserver/registry/options.ts";
import { objectOf, parseVersion } from "#apiserver/registry/read.ts";
import type { ResourceApi, Target } from "#apiserver/registry/resource-api.ts";
import { notFoundPath } from "#apiserver/registry/resource-api.ts";
import type { ResourceTable, ServedResource } from "#apiserver/registry/resource-table.ts";
import { selectionOf } from "#apiserver/registry/selection.ts";
import type { Call, CallOptions, RequestContext } from "#apiserver/registry/types.ts";
import type { UserInfo } from "#apiserver/user.ts";
import { SYSTEM_MASTERS } from "#apiserver/user.ts";
import { CompactedError } from "#storage/store.ts";

/** A watch from inside this process. The shape mirrors the client's `WatchCall`. */
export interface WatchRequest {
  readonly resource: Call["resource"];
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly resourceVersion: string;
}

export interface Sink {
  onEvent(event: { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: KubeObject }): void;
  onEnd(error?: Error): void;
}

/**
 * The API without HTTP: the same admission, validation and storage. Objects are the watch cache's own, frozen; watch
 * events come synchronously as the cache takes them.
 */
export class Pipeline {
  readonly #api: ResourceApi;
  readonly #resources: ResourceTable;
  readonly #deps: RegistryDeps;

  constructor(api: ResourceApi, resources: ResourceTable, deps: RegistryDeps) {
    this.#api = api;
    this.#resources = resources;
    this.#deps = deps;
  }

  /** @throws {StatusError} for whatever the API refuses */
  async perform(call: Call, user: UserInfo, { userAgent = "skiff", signal }: { userAgent?: string; signal?: AbortSignal | undefined } = {}): Promise<unknown> {
    const target = this.#target(call, { user, userAgent, warn() {}, signal });
    this.#authorize(call, target);
    const { options = {} } = call;
    switch (call.verb) {
      case "get":
        return (await this.#api.get(target, options.resourceVersion)).object;
      case "list":
        return this.#list(target, options);
      case "create":
        return (await this.#api.create(target, { value: call.body }, rawOptions(options))).object;
      case "update":
        return (await this.#api.update(target, { value: call.body }, rawOptions(options))).object;
      case "patch":
        return (await this.#api.patch(target, call.patchType ?? "merge", { value: call.body }, rawOptions(options))).object;
      case "delete":
        return (await this.#api.delete(target, (call.body ?? {}) as DeleteOptions)).object;
      case "deletecollection":
        return this.#api.deleteCollection(target, listOptions(options), (call.body ?? {}) as DeleteOptions);
    }
  }

  /** Events after `resourceVersion`; a version that is too old ends the watch with a 410 before this returns, an event that cannot be read ends it later. */
  watch(request: WatchRequest, _user: UserInfo, sink: Sink): { stop(): void } {
    const served = this.#served(request.resource);
    const { namespace = "", labelSelector = "", fieldSelector = "" } = request;
    try {
      const selection = selectionOf(served, { namespace, labelSelector, fieldSelector });
      const afterRevision = parseVersion(request.resourceVersion);
      const onFailed = (error: unknown) => sink.onEnd(error as Error);
      return follow(this.#deps.cache, served, { ...selection, afterRevision, onFailed }, (type, state) =>
        sink.onEvent({ type, object: objectOf(served, state) }),
      );
    } catch (error) {
      sink.onEnd(
        error instanceof CompactedError
          ? statusError.expired(`too old resource version: ${request.resourceVersion} (${error.compactedRevision})`)
          : (error as Error),
      );
      return { stop() {} };
    }
  }

  async #list(target: Target, options: CallOptions): Promise<unknown> {
    const { items, resourceVersion, continue: more, remainingItemCount } = await this.#api.list(target, listOptions(options));
    const metadata = { resourceVersion, ...(more !== undefined && { continue: more }), ...(remainingItemCount !== undefined && { remainingItemCount }) };
    return { metadata, items: items.map((item) => objectOf(target.served, item)) };
  }

  #served({ group, version, plural }: Call["resource"]): ServedResource {
    const served = this.#resources.get(group, version, plural);
    if (served === undefined) throw notFoundPath();
    return served;
  }

  #target({ resource, namespace = "", name = "", subresource = "" }: Call, context: RequestContext): Target {
    return { served: this.#served(resource), namespace, name, subresource, context };
  }

  #authorize({ verb, options }: Call, { served, namespace, name, subresource, context }: Target): void {
    const { user } = context;
    if (user.groups.includes(SYSTEM_MASTERS)) return;
    const { group, version, plural } = served.info;
    const fieldSelector = options?.fieldSelector ?? "";
    const attributes = { user, verb, group, version, plural, subresource, namespace, name: askedName(verb, name, fieldSelector), fieldSelector };
    const { allowed, reason } = this.#deps.authorizer.authorize(attributes);
    if (!allowed) throw forbidden(attributes, reason);
  }
}

function rawOptions({ dryRun, fieldManager, fieldValidation, force }: CallOptions) {
  return { dryRun: dryRun === undefined ? [] : [dryRun], fieldManager, fieldValidation: fieldValidation ?? "Ignore", force };
}

function listOptions(options: CallOptions): ListOptions {
  return {
    watch: false,
    labelSelector: options.labelSelector ?? "",
    fieldSelector: options.fieldSelector ?? "",
    resourceVersion: options.resourceVersion ?? "",
    resourceVersionMatch: options.resourceVersionMatch ?? "",
    limit: options.limit ?? 0,
    continue: options.continue ?? "",
    timeoutSeconds: undefined,
    allowWatchBookmarks: false,
    sendInitialEvents: undefined,
  };
}
