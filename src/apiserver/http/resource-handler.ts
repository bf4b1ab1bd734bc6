import type { ResourceInfo } from "#api/resources.ts";
import { failure, statusError } from "#apimachinery/status-error.ts";
import type { Authorizer, ResourceAttributes } from "#apiserver/authz/authorizer.ts";
import { askedName, selectedName } from "#apiserver/authz/asked-name.ts";
import { forbidden } from "#apiserver/authz/forbidden.ts";
import type { FlowRequest } from "#apiserver/flowcontrol/classifier.ts";
import type { FlowControl, Seat } from "#apiserver/flowcontrol/flow-control.ts";
import type { Exchange } from "#apiserver/http/exchange.ts";
import { ExchangeContext } from "#apiserver/http/exchange-context.ts";
import type { UserInfo } from "#apiserver/user.ts";
import { readBody } from "#apiserver/http/exchange.ts";
import { listMetadata, listPieces, protobufListPieces } from "#apiserver/http/lists.ts";
import type { Accepted } from "#apiserver/http/negotiation.ts";
import { bodyFormat, CONTENT_TYPE, isPretty, negotiate } from "#apiserver/http/negotiation.ts";
import type { ResourcePath } from "#apiserver/http/path.ts";
import { checkTimeout, deleteQuery, listQuery, writeQuery } from "#apiserver/http/query.ts";
import type { RemoteApi, Remotes } from "#apiserver/http/remotes.ts";
import { deprecation, notAList, notASingle, strategicOfCustom } from "#apiserver/http/resource-words.ts";
import { sendBytes, sendPageNotFound, sendValue } from "#apiserver/http/respond.ts";
import { transformFor } from "#apiserver/http/shapes.ts";
import type { Shape } from "#apiserver/http/watch-frames.ts";
import { framesOf } from "#apiserver/http/watch-frames.ts";
import type { WatchDeps } from "#apiserver/http/watch-stream.ts";
import { serveWatch } from "#apiserver/http/watch-stream.ts";
import type { Body } from "#apiserver/registry/body.ts";
import { decodeDeleteOptions } from "#apiserver/registry/body.ts";
import type { DeleteOptions, ListOptions } from "#apiserver/registry/options.ts";
import { checkListOptions } from "#apiserver/registry/options.ts";
import type { ListOutcome, ObjectOutcome } from "#apiserver/registry/outcome.ts";
import { objectOf } from "#apiserver/registry/read.ts";
import type { ResourceApi, Target } from "#apiserver/registry/resource-api.ts";
import { methodNotAllowed, notFoundPath } from "#apiserver/registry/resource-api.ts";
import type { ResourceTable } from "#apiserver/registry/resource-table.ts";
import type { ConnectRequest, SubresourceHandler, SubresourceTable } from "#apiserver/registry/subresource.ts";
import type { PatchType } from "#apiserver/registry/types.ts";

export interface ResourceHandlerDeps {
  readonly api: ResourceApi;
  readonly resources: ResourceTable;
  readonly subresources: SubresourceTable;
  readonly authorizer: Authorizer;
  readonly watch: WatchDeps;
  readonly flow: FlowControl;
  readonly remotes?: Remotes | undefined;
}

async function audited(exchange: Exchange): Promise<Buffer> {
  const bytes = await readBody(exchange.request);
  exchange.audit?.requestBody(bytes);
  return bytes;
}

const PATCH_TYPES: Readonly<Record<string, PatchType>> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
};

const COMMAND_SUBRESOURCES = new Set(["exec", "attach", "portforward"]);

/** Patches' types are compared letter by letter, others are not. */
function patchType(contentType: string): PatchType | undefined {
  const media = contentType.split(";", 1)[0]!.trim();
  return Object.hasOwn(PATCH_TYPES, media) ? PATCH_TYPES[media] : undefined;
}

/** Answers requests for resources: authorization, negotiation, then the verb. */
export class ResourceHandler {
  readonly #deps: ResourceHandlerDeps;

  constructor(deps: ResourceHandlerDeps) {
    this.#deps = deps;
  }

  async handle(exchange: Exchange, path: ResourcePath): Promise<void> {
    const { method, query } = exchange;
    const list = path.name === "" && (method === "GET" || method === "HEAD" || method === "DELETE") ? listQuery(query) : undefined;
    const verb = verbOf(exchange, path, list);
    const wait = LONG_SUBRESOURCES.has(path.subresource) ? undefined : this.#enter(exchange, path, verb);
    if (wait !== undefined) await wait;
    this.#authorize(exchange, path, verb, list);
    const remote = this.#deps.remotes?.of(path.group, path.version);
    if (remote !== undefined) return serveRemote(remote, exchange, path, verb);
    if (this.#isUnknown(path)) return sendPageNotFound(exchange);
    const target = this.#target(exchange, path);
    exchange.info = { verb, path };
    const connect = path.rest !== "" && path.subresource !== "proxy" ? undefined : this.#connectHandler(path);
    if (connect !== undefined || verb === "watch") exchange.longRunning = true;
    if (connect !== undefined) {
      await this.#deps.api.admitConnect(target, query);
      this.#authorizeStreams(exchange, path, verb);
      return connect.connect!(connectRequest(exchange, path, target));
    }
    checkMethod(target, path, method, verb);
    if (verb !== "watch") checkTimeout(query);
    const deprecated = deprecation(target.served.info);
    if (deprecated !== undefined) exchange.warnings.push(deprecated);
    const accepted = negotiate(headerOf(exchange, "accept"), {
      stream: verb === "watch",
      collection: verb === "list" || verb === "watch",
      tables: hasTables(path, target.served.info),
      messages: target.served.custom === undefined || path.subresource === "scale",
    });
    switch (verb) {
      case "get":
        return this.#sendObject(exchange, target, accepted, await this.#deps.api.get(target, query.get("resourceVersion") ?? ""));
      case "list":
        return this.#sendList(exchange, target, accepted, await this.#list(target, list!));
      case "watch":
        return this.#watch(exchange, target, path, accepted);
      case "create":
        return this.#sendObject(exchange, target, accepted, await this.#deps.api.create(target, await this.#body(exchange), writeQuery(query)));
      case "update":
        return this.#sendObject(exchange, target, accepted, await this.#deps.api.update(target, await this.#body(exchange), writeQuery(query)));
      case "patch":
        return this.#sendObject(exchange, target, accepted, await this.#patch(exchange, target));
      case "delete":
        return this.#sendObject(exchange, target, accepted, await this.#deps.api.delete(target, await this.#deleteOptions(exchange)));
      case "deletecollection":
        return this.#sendList(exchange, target, accepted, await this.#deps.api.deleteCollection(target, list!, await this.#deleteOptions(exchange)));
      default:
        throw methodNotAllowed();
    }
  }

  /** An upgrade request for exec, attach, port-forward or a proxy. */
  async upgrade(exchange: Exchange, path: ResourcePath, upgrade: NonNullable<ConnectRequest["upgrade"]>): Promise<void> {
    const verb = verbOf(exchange, path, undefined);
    this.#authorize(exchange, path, verb, undefined);
    const remote = this.#deps.remotes?.of(path.group, path.version);
    if (remote !== undefined) return remote.upgrade(exchange, upgrade);
    const target = this.#target(exchange, path);
    const handler = this.#connectHandler(path);
    if (handler?.connect === undefined) throw notFoundPath();
    await this.#deps.api.admitConnect(target, exchange.query);
    this.#authorizeStreams(exchange, path, verb);
    const { response: _response, ...request } = connectRequest(exchange, path, target);
    await handler.connect({ ...request, upgrade });
  }

  /** What goes on for long has its seat for the start alone. */
  #enter(exchange: Exchange, path: ResourcePath, verb: string): Promise<void> | undefined {
    const found = this.#deps.flow.enter(flowRequest(exchange.user, path, verb), () => exchange.signal);
    if (found instanceof Promise) return found.then((seat) => take(exchange, seat, verb));
    take(exchange, found, verb);
    return undefined;
  }

  #authorize(exchange: Exchange, path: ResourcePath, verb: string, list: ListOptions | undefined): void {
    const { user } = exchange;
    const { group, version, plural, subresource, namespace } = path;
    const fieldSelector = list?.fieldSelector ?? "";
    const name = askedName(verb, path.name, fieldSelector);
    // A Namespace's own requests are in that namespace, as upstream's request info has it.
    const within = plural === "namespaces" && group === "" ? path.name : namespace;
    const attributes: ResourceAttributes = { user, verb, group, version, plural, subresource, namespace: within, name, fieldSelector };
    const { allowed, reason } = this.#deps.authorizer.authorize(attributes);
    exchange.audit?.decided(allowed, reason);
    if (!allowed) throw forbidden(attributes, reason);
  }

  /** Outside upstream's own groups, a path that means nothing is no resource at all. */
  #isUnknown({ group, version, plural, namespace, name }: ResourcePath): boolean {
    const { resources } = this.#deps;
    if (!resources.isForeign(group)) return false;
    const served = resources.get(group, version, plural);
    if (served === undefined || (namespace !== "" && !served.info.namespaced)) return true;
    return served.info.namespaced && name !== "" && namespace === "";
  }

  /**
   * WebSockets begin with a GET, SPDY with a POST; who may not create must not run commands by the one either.
   *
   * @see kubernetes pkg/registry/core/pod/rest/authorize.go
   */
  #authorizeStreams({ user }: Exchange, path: ResourcePath, verb: string): void {
    const { group, version, plural, subresource, namespace, name } = path;
    if (verb === "create" || group !== "" || plural !== "pods" || !COMMAND_SUBRESOURCES.has(subresource)) return;
    const { allowed, reason } = this.#deps.authorizer.authorize({ user, verb: "create", group, version, plural, subresource, namespace, name });
    if (!allowed) throw statusError.forbidden({ group, resource: plural }, name, reason);
  }

  #target(exchange: Exchange, path: ResourcePath): Target {
    const served = this.#deps.resources.get(path.group, path.version, path.plural);
    if (served === undefined || (path.namespace !== "" && !served.info.namespaced)) throw notFoundPath();
    if (path.subresource !== "" && !served.info.subresources.some(({ name }) => name === path.subresource)) {
      throw served.custom === undefined ? notFoundPath() : statusError.notFound(served.resource, path.name);
    }
    if (served.info.namespaced && path.name !== "" && path.namespace === "") throw notFoundPath();
    const { namespace, name, subresource } = path;
    return { served, namespace, name, subresource, context: new ExchangeContext(exchange) };
  }

  #connectHandler({ group, plural, subresource }: ResourcePath): SubresourceHandler | undefined {
    if (subresource === "") return undefined;
    const handler = this.#deps.subresources.get(group, plural, subresource);
    return handler?.connect === undefined ? undefined : handler;
  }

  #list(target: Target, options: ListOptions): Promise<ListOutcome> {
    return this.#deps.api.list(target, options);
  }

  async #patch(exchange: Exchange, target: Target): Promise<ObjectOutcome> {
    const type = patchType(headerOf(exchange, "content-type") ?? "");
    if (type === undefined) throw failure(415, "UnsupportedMediaType", "415: Unsupported Media Type", {});
    if (type === "strategic" && target.served.custom !== undefined) throw strategicOfCustom();
    const bytes = await audited(exchange);
    return this.#deps.api.patch(target, type, { text: bytes.toString(), format: type === "apply" ? "yaml" : "json", bytes }, writeQuery(exchange.query));
  }

  async #body(exchange: Exchange): Promise<Body> {
    return bodyOf(exchange, await audited(exchange));
  }

  async #deleteOptions(exchange: Exchange): Promise<DeleteOptions> {
    const body = await audited(exchange);
    if (body.length === 0) return deleteQuery(exchange.query);
    return decodeDeleteOptions(bodyOf(exchange, body));
  }

  #watch(exchange: Exchange, target: Target, path: ResourcePath, accepted: Accepted): Promise<void> {
    const options = { ...listQuery(exchange.query), watch: true };
    checkListOptions(options);
    const selected = selectedName(options.fieldSelector);
    if (path.name !== "" && selected !== "" && selected !== path.name) throw statusError.badRequest("fieldSelector metadata.name doesn't match requested name");
    const byName = path.name === "" ? options : { ...options, fieldSelector: `metadata.name=${path.name}` };
    const frames = framesOf(accepted, target.served, this.#watchShape(exchange, target, accepted));
    return serveWatch(exchange, target.served, target.namespace, byName, frames, this.#deps.watch);
  }

  #watchShape({ query }: Exchange, { served }: Target, accepted: Accepted): Shape {
    if (accepted.as === "") return undefined;
    const transform = transformFor(served, accepted, query, this.#nowMs);
    if (accepted.as !== "Table") return (object) => transform.partial(object);
    let withColumns = true;
    return (object) => {
      const rendered = transform.table([object], { resourceVersion: object.metadata.resourceVersion }, withColumns);
      const first = withColumns;
      withColumns = false;
      return first ? rendered : { ...rendered, columnDefinitions: null };
    };
  }

  readonly #nowMs = () => this.#deps.watch.clock.now();

  #sendObject(exchange: Exchange, { served, subresource }: Target, accepted: Accepted, outcome: ObjectOutcome): Promise<void> {
    const { code, state } = outcome;
    const pretty = isPretty(exchange.query, exchange.userAgent);
    if (state !== undefined && accepted.as === "" && accepted.format === "json" && !pretty && !accepted.pretty) {
      return sendBytes(exchange, code, CONTENT_TYPE.json, state.json);
    }
    const { object } = outcome;
    if (accepted.as === "" || (object as { kind?: string }).kind === "Status") return sendValue(exchange, code, object, accepted, pretty);
    const of = subresource === "scale" ? { info: served.info.subresources.find(({ name }) => name === subresource) ?? served.info } : served;
    const transform = transformFor(of, accepted, exchange.query, this.#nowMs);
    if (accepted.as === "PartialObjectMetadataList") throw notAList(served.info);
    const shaped = accepted.as === "Table" ? transform.table([object], { resourceVersion: object.metadata.resourceVersion }, true) : transform.partial(object);
    return sendValue(exchange, code, shaped, accepted, pretty);
  }

  #sendList(exchange: Exchange, { served }: Target, accepted: Accepted, outcome: ListOutcome): Promise<void> {
    const pretty = isPretty(exchange.query, exchange.userAgent);
    if (accepted.as === "" && accepted.format === "json" && !pretty && !accepted.pretty) {
      return sendBytes(exchange, 200, CONTENT_TYPE.json, listPieces(served, outcome));
    }
    if (accepted.as === "" && accepted.format === "protobuf") return sendBytes(exchange, 200, CONTENT_TYPE.protobuf, protobufListPieces(served, outcome));
    if (accepted.as === "") return sendValue(exchange, 200, JSON.parse(Buffer.concat(listPieces(served, outcome)).toString()), accepted, pretty);
    const transform = transformFor(served, accepted, exchange.query, this.#nowMs);
    const objects = outcome.items.map((item) => objectOf(served, item));
    const metadata = listMetadata(outcome);
    if (accepted.as === "PartialObjectMetadata") throw notASingle(served.info);
    const shaped = accepted.as === "Table" ? transform.table(objects, metadata, true) : transform.partialList(objects, metadata);
    return sendValue(exchange, 200, shaped, accepted, pretty);
  }
}

/** Streams, which are no requests among others. */
const LONG_SUBRESOURCES: ReadonlySet<string> = new Set(["exec", "attach", "portforward", "proxy", "log"]);

/** What another server serves may take as long there as it would here. */
function serveRemote(remote: RemoteApi, exchange: Exchange, path: ResourcePath, verb: string): Promise<void> {
  exchange.info = { verb, path };
  exchange.longRunning = verb === "watch" || LONG_SUBRESOURCES.has(path.subresource);
  return remote.serve(exchange);
}

function flowRequest(user: UserInfo, { group, plural, subresource, namespace, name }: ResourcePath, verb: string): FlowRequest {
  const within = plural === "namespaces" && group === "" ? name : namespace;
  return { user, verb, group, plural, subresource, namespace: within };
}

function take(exchange: Exchange, seat: Seat, verb: string): void {
  exchange.takeSeat(seat);
  if (verb === "watch") exchange.leaveSeat();
}

/** Reviews are answered, never kept: they have no columns, as most subresources have none. */
function hasTables({ subresource }: ResourcePath, { verbs }: ResourceInfo): boolean {
  return TABLE_SUBRESOURCES.has(subresource) && verbs.includes("get");
}

const TABLE_SUBRESOURCES: ReadonlySet<string> = new Set(["", "status", "scale"]);

/** Refuses methods that the resource, its collection or its subresource does not have. */
function checkMethod({ served }: Target, path: ResourcePath, method: string, verb: string): void {
  if (path.rest !== "" && path.subresource !== "proxy") throw notFoundPath();
  if (path.name.includes("/")) throw notFoundPath(); // an escaped slash: no name has one
  if (verb === "" || method === "HEAD") throw methodNotAllowed();
  const { info, verbs } = served;
  if (path.subresource !== "") {
    const found = info.subresources.find(({ name }) => name === path.subresource);
    if (found === undefined) throw notFoundPath();
    if (!found.verbs.includes(verb)) throw methodNotAllowed();
    return;
  }
  const single = path.name !== "";
  if (single && !verbs.has("get") && !verbs.has("delete")) throw notFoundPath();
  const onCollection = verb === "create" || verb === "list" || verb === "watch" || verb === "deletecollection";
  if (!verbs.has(verb) || (single === onCollection && !(single && verb === "watch"))) throw methodNotAllowed();
  const needsNamespace = verb === "create" || verb === "deletecollection";
  if (needsNamespace && info.namespaced && path.namespace === "") throw methodNotAllowed();
}

function verbOf({ method }: Exchange, path: ResourcePath, list: ListOptions | undefined): string {
  const single = path.name !== "";
  switch (method) {
    case "GET":
    case "HEAD":
      if (path.watch) return "watch";
      return single ? "get" : list!.watch ? "watch" : "list";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return single ? "delete" : "deletecollection";
    default:
      return "";
  }
}

function connectRequest(exchange: Exchange, path: ResourcePath, { served }: Target): ConnectRequest {
  const { method, query, user, request, response } = exchange;
  const { namespace, name, subresource, rest } = path;
  return { info: served.info, namespace, name, subresource, method, query, rest, user, request, response };
}

function headerOf({ request }: Exchange, name: "accept" | "content-type"): string | undefined {
  return request.headers[name];
}

function bodyOf(exchange: Exchange, bytes: Buffer): Body {
  const format = bodyFormat(headerOf(exchange, "content-type"));
  return { text: format === "protobuf" ? "" : bytes.toString(), format, bytes };
}
