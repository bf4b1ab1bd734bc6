import type { StatusError } from "#apimachinery/status-error.ts";
import type { Exchange } from "#apiserver/http/exchange.ts";
import type { ApiPath } from "#apiserver/http/path.ts";
import type { UserInfo } from "#apiserver/user.ts";
import { type Clock, formatMicroTime } from "#lib/clock.ts";

import { bodyObject } from "./body-object.ts";
import { type AuditAttributes, evaluate, type Level, type Policy, type Stage, type Verdict } from "./policy.ts";

export interface AuditorDeps {
  readonly policy: Policy;
  readonly clock: Clock;
  /** Takes an event's line. */
  readonly write: (line: string) => void;
}

/** Writes who asked for what, as far as a policy says so. */
export class Auditor {
  readonly #deps: AuditorDeps;

  constructor(deps: AuditorDeps) {
    this.#deps = deps;
  }

  /** Begins a request's trail, after authentication and before anything is decided. */
  begin(exchange: Exchange, path: ApiPath): void {
    const attributes = attributesOf(exchange, path);
    const verdict = evaluate(this.#deps.policy, attributes);
    if (verdict.level === "None") return;
    exchange.audit = new AuditTrail(exchange, path, attributes.verb, verdict, this.#deps);
    exchange.audit.stage("RequestReceived");
  }
}

/** The events of one request. */
export class AuditTrail {
  readonly id: string;
  readonly #exchange: Exchange;
  readonly #verdict: Verdict;
  readonly #deps: AuditorDeps;
  readonly #fixed: object;
  readonly #received: string;
  readonly #annotations: Record<string, string> = {};
  #failure: StatusError | undefined;
  #request: unknown;
  #response: unknown;

  constructor(exchange: Exchange, path: ApiPath, verb: string, verdict: Verdict, deps: AuditorDeps) {
    this.#exchange = exchange;
    this.#verdict = verdict;
    this.#deps = deps;
    this.#received = formatMicroTime(deps.clock.now());
    const { user, authenticated, userAgent, headers, request, socket } = exchange;
    this.id = exchange.auditId;
    const forwarded = headers["x-forwarded-for"];
    const hops = typeof forwarded === "string" ? forwarded.split(",").map((hop) => hop.trim()) : [];
    this.#fixed = {
      requestURI: request.url,
      verb,
      user: userOf(authenticated),
      ...(user !== authenticated && { impersonatedUser: userOf(user) }),
      sourceIPs: [...hops, (socket.remoteAddress ?? "").replace(/^::ffff:/, "")],
      ...(userAgent !== "" && { userAgent }),
      ...(path.kind === "resource" && { objectRef: referenceOf(path) }),
    };
  }

  annotate(key: string, value: string): void {
    this.#annotations[key] ??= value;
  }

  decided(allowed: boolean, reason: string): void {
    this.annotate("authorization.k8s.io/decision", allowed ? "allow" : "forbid");
    this.annotate("authorization.k8s.io/reason", reason);
  }

  failed(error: StatusError): void {
    this.#failure = error;
  }

  requestBody(bytes: Uint8Array): void {
    if (this.#verdict.level === "Request" || this.#verdict.level === "RequestResponse")
      this.#request = this.#object([bytes], this.#exchange.headers["content-type"] ?? "");
  }

  responseBody(pieces: readonly Uint8Array[], contentType: string): void {
    if (this.#verdict.level === "RequestResponse" && contentType.startsWith("application/")) this.#response = this.#object(pieces, contentType);
  }

  stage(stage: Stage): void {
    const { level, omitStages } = this.#verdict;
    if (omitStages.has(stage)) return;
    const answered = stage !== "RequestReceived";
    const event = {
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: level satisfies Level,
      ...this.#pick(stage),
      requestReceivedTimestamp: this.#received,
      stageTimestamp: formatMicroTime(this.#deps.clock.now()),
      ...(answered && Object.keys(this.#annotations).length > 0 && { annotations: this.#annotations }),
    };
    this.#deps.write(`${JSON.stringify(event)}\n`);
  }

  #pick(stage: Stage): object {
    const common = { auditID: this.id, stage, ...this.#fixed };
    if (stage === "RequestReceived") return common;
    return {
      ...common,
      responseStatus: this.#status(),
      ...(this.#request !== undefined && { requestObject: this.#request }),
      ...(this.#response !== undefined && { responseObject: this.#response }),
    };
  }

  #status(): object {
    if (this.#failure === undefined) return { metadata: {}, code: this.#exchange.code };
    const { status = "Failure", message, reason, details } = this.#failure.status;
    return { metadata: {}, status, message, reason, ...(details !== undefined && { details }), code: this.#failure.code };
  }

  #object(pieces: readonly Uint8Array[], contentType: string): unknown {
    const value = bodyObject(Buffer.concat(pieces), contentType);
    if (!this.#verdict.omitManagedFields || value === undefined) return value;
    return JSON.parse(JSON.stringify(value), withoutManagedFields);
  }
}

const withoutManagedFields = (key: string, value: unknown) => (key === "managedFields" ? undefined : value);

function userOf({ name, uid, groups, extra }: UserInfo): object {
  return { username: name, ...(uid !== "" && { uid }), groups, ...(Object.keys(extra).length > 0 && { extra }) };
}

function attributesOf(exchange: Exchange, path: ApiPath): AuditAttributes {
  const { user, method } = exchange;
  if (path.kind === "plain") {
    const verb = method === "HEAD" ? "head" : method.toLowerCase();
    return { user, verb, path: exchange.path, group: "", resource: "", subresource: "", namespace: "", name: "" };
  }
  const { group, plural, subresource, name } = path;
  const namespace = plural === "namespaces" && group === "" ? name : path.namespace;
  return { user, verb: verbOf(exchange, path), group, resource: plural, subresource, namespace, name };
}

const VERBS: Readonly<Record<string, string>> = { POST: "create", PUT: "update", PATCH: "patch" };

function verbOf({ method, query }: Exchange, { name, watch }: Extract<ApiPath, { kind: "resource" }>): string {
  if (method === "DELETE") return name === "" ? "deletecollection" : "delete";
  if (method !== "GET" && method !== "HEAD") return VERBS[method] ?? "";
  const asked = query.get("watch");
  if (watch || (name === "" && asked !== null && asked !== "false" && asked !== "0")) return "watch";
  return name === "" ? "list" : "get";
}

function referenceOf({ group, version, plural, subresource, namespace, name }: Extract<ApiPath, { kind: "resource" }>): object {
  const within = plural === "namespaces" && group === "" ? name : namespace;
  return {
    resource: plural,
    ...(within !== "" && { namespace: within }),
    ...(name !== "" && { name }),
    ...(group !== "" && { apiGroup: group }),
    apiVersion: version,
    ...(subresource !== "" && { subresource }),
  };
}
