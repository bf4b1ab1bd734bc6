import { createObject } from "#apiserver/registry/create.ts";
import { deleteCollection, deleteObject } from "#apiserver/registry/delete.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import type { Body, Kind } from "#apiserver/registry/body.ts";
import { decodable, decodeBody } from "#apiserver/registry/body.ts";
import { queryOptions } from "#apiserver/registry/connect-options.ts";
import { recordReview } from "#apiserver/registry/ownership.ts";
import type { DeleteOptions, ListOptions, RawWriteOptions } from "#apiserver/registry/options.ts";
import { checkDeleteOptions, checkListOptions, checkedWriteOptions } from "#apiserver/registry/options.ts";
import { selectionOf } from "#apiserver/registry/selection.ts";
import type { ListOutcome, ObjectOutcome } from "#apiserver/registry/outcome.ts";
import { patchObject } from "#apiserver/registry/patch.ts";
import { getObject, listObjects } from "#apiserver/registry/read.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";
import type { SubresourceHandler, SubresourceTable, SubresourceWrite } from "#apiserver/registry/subresource.ts";
import type { PatchType, RequestContext } from "#apiserver/registry/types.ts";
import { updateObject } from "#apiserver/registry/update.ts";
import type { Draft, WriteTarget } from "#apiserver/registry/write.ts";
import { admissionAttributes, fieldManagerOf, matchNamespace } from "#apiserver/registry/write.ts";
import { formatTime } from "#lib/clock.ts";
import { passing } from "#apiserver/cache/cached-object.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { Subresource } from "#api/resources.ts";
import { failure } from "#apimachinery/status-error.ts";

/** A resource, collection or subresource that a request is about. */
export interface Target {
  readonly served: ServedResource;
  /** `""` for all namespaces, and for what has none. */
  readonly namespace: string;
  /** `""` for the collection. */
  readonly name: string;
  readonly subresource: string;
  readonly context: RequestContext;
}

/** The verbs of the API on one registry: what HTTP and in-process callers have in common. */
export class ResourceApi {
  readonly #deps: RegistryDeps;
  readonly #subresources: SubresourceTable;

  constructor(deps: RegistryDeps, subresources: SubresourceTable) {
    this.#deps = deps;
    this.#subresources = subresources;
  }

  async get(target: Target, resourceVersion = ""): Promise<ObjectOutcome> {
    const handler = this.#handler(target);
    if (handler?.get !== undefined) return { code: 200, object: (await handler.get({ ...target, info: target.served.info, options: {} })) as KubeObject };
    this.#subresource(target, "get");
    return getObject(this.#deps, target.served, { ...target, resourceVersion });
  }

  async list(target: Target, options: ListOptions): Promise<ListOutcome> {
    checkListOptions(options);
    const { served, namespace } = target;
    const handler = this.#handler(target);
    if (handler?.list === undefined) return listObjects(this.#deps, served, namespace, options);
    const { matches = () => true } = selectionOf(served, { namespace, ...options });
    const objects = (await handler.list()).filter(matches);
    return { items: objects.map((object) => passing(object)), resourceVersion: "" };
  }

  async create(target: Target, body: Body, raw: RawWriteOptions): Promise<ObjectOutcome> {
    const options = checkedWriteOptions("Create", raw);
    const write: WriteTarget = { ...target, options };
    const handler = this.#handler(target);
    if (handler?.create !== undefined) {
      const request = this.#subresourceWrite(write, body, handler);
      await this.#admit(write, request, handler);
      const object = await handler.create(request);
      return { code: 201, object: object as KubeObject };
    }
    if (target.subresource !== "") throw methodNotAllowed();
    return createObject(this.#deps, write, body);
  }

  async update(target: Target, body: Body, raw: RawWriteOptions): Promise<ObjectOutcome> {
    const options = checkedWriteOptions("Update", raw);
    const write: WriteTarget = { ...target, options };
    const handler = this.#handler(target);
    if (handler?.update !== undefined) {
      const object = await handler.update(this.#subresourceWrite(write, body, handler));
      return { code: 200, object: object as KubeObject };
    }
    this.#subresource(target, "update");
    return updateObject(this.#deps, write, body);
  }

  async patch(target: Target, type: PatchType, body: Body, raw: RawWriteOptions): Promise<ObjectOutcome> {
    const options = checkedWriteOptions("Patch", raw, type);
    const handler = this.#handler(target);
    if (handler?.patch !== undefined) {
      const object = await handler.patch({ ...target, info: target.served.info, options: {}, write: options, patchType: type, patch: body });
      return { code: 200, object: object as KubeObject };
    }
    this.#subresource(target, "patch");
    return patchObject(this.#deps, { ...target, options }, type, body);
  }

  delete(target: Target, options: DeleteOptions): Promise<ObjectOutcome> {
    checkDeleteOptions(options);
    return deleteObject(this.#deps, { ...target, options });
  }

  deleteCollection(target: Target, list: ListOptions, options: DeleteOptions): Promise<ListOutcome> {
    checkListOptions(list);
    checkDeleteOptions(options);
    return deleteCollection(this.#deps, { ...target, options }, list);
  }

  /** What is only asked, or changes another object: a binding, an eviction, a token, a review. */
  async #admit(target: WriteTarget, { body }: SubresourceWrite, { strategy }: SubresourceHandler): Promise<void> {
    const attributes = admissionAttributes(target, "CREATE", body as Draft, undefined, decodable(kindOf(target), strategy));
    await this.#deps.admission.admit(attributes);
    await this.#deps.admission.validate(attributes);
  }

  /** Before a connection to a pod, node or service is made. */
  async admitConnect(target: Target, query: URLSearchParams): Promise<void> {
    const kind = kindOf(target);
    if (kind.kind === target.served.info.kind) return; // a log is only read
    const decodes = decodable(kind);
    const options = { dryRun: false, fieldManager: "", fieldValidation: "Warn", force: false } as const;
    const attributes = admissionAttributes({ ...target, options }, "CONNECT", queryOptions(decodes, query) as Draft, undefined, decodes);
    await this.#deps.admission.admit(attributes);
    await this.#deps.admission.validate(attributes);
  }

  #handler({ served, subresource }: Target): SubresourceHandler | undefined {
    const { group, plural } = served.info;
    return this.#subresources.get(group, plural, subresource);
  }

  #subresourceWrite({ served, namespace, name, subresource, options, context }: WriteTarget, body: Body, handler: SubresourceHandler): SubresourceWrite {
    const { info } = served;
    const kind = kindOf({ served, subresource });
    const decodes = { ...decodable(kind, handler.strategy), ...(handler.olderVersions && { olderVersions: handler.olderVersions }) };
    const draft = decodeBody(decodes, body, options.fieldValidation, context);
    draft.metadata ??= {} as Draft["metadata"];
    matchNamespace(draft, namespace);
    if (!handler.ownsManagedFields) recordReview(decodes, draft, fieldManagerOf({ options, context }), subresource, formatTime(this.#deps.clock.now()));
    return { info, namespace, name, options: {}, context, body: draft as KubeObject, dryRun: options.dryRun, write: options };
  }

  /** The subresource that is named; refuses verbs that it does not have. */
  #subresource({ served, subresource }: Target, verb: string): Subresource | undefined {
    if (subresource === "") return undefined;
    const found = served.info.subresources.find(({ name }) => name === subresource);
    if (found === undefined) throw notFoundPath();
    if (!found.verbs.includes(verb)) throw methodNotAllowed();
    return found;
  }
}

/** The kind that a request's body or options have. */
function kindOf({ served: { info }, subresource }: Pick<Target, "served" | "subresource">): Kind {
  return subresource === "" ? info : (info.subresources.find((each) => each.name === subresource) ?? info);
}

export function methodNotAllowed(): Error {
  return failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});
}

export function notFoundPath(): Error {
  return failure(404, "NotFound", "the server could not find the requested resource", {});
}
