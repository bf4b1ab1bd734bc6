import { createHash } from "node:crypto";

import type { ResourceInfo } from "#api/resources.ts";
import { failure, type StatusError } from "#apimachinery/status-error.ts";
import { apiGroup, apiGroupList, apiResourceList, apiVersions, groupDiscoveryList, groupsOf } from "#apiserver/discovery/documents.ts";
import { CONTENT_TYPE, isPretty, negotiate, parseAccept } from "#apiserver/http/negotiation.ts";
import type { PlainHandler, PlainRequest, PlainResponse } from "#apiserver/http/plain.ts";
import { toYaml } from "#apiserver/http/yaml.ts";

export interface DiscoveryDeps {
  /** The kinds that are served now. */
  readonly kinds: () => readonly ResourceInfo[];
  /** `host:port` that clients are told. */
  readonly serverAddress: string;
}

const MEDIA_TYPES = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
const AGGREGATED_TYPE = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

interface Aggregated {
  readonly body: Buffer;
  readonly etag: string;
}

/** Answers discovery. Documents are made when first asked for and kept until `kinds` gives another list. */
export function discoveryHandler({ kinds, serverAddress }: DiscoveryDeps): PlainHandler {
  let state = discoveryState(kinds());
  return (request) => {
    const path = request.path.length > 1 && request.path.endsWith("/") ? request.path.slice(0, -1) : request.path;
    if (path !== "/api" && path !== "/apis" && !path.startsWith("/api/") && !path.startsWith("/apis/")) return undefined;
    const served = kinds();
    if (served !== state.kinds) state = discoveryState(served);
    if (path === "/apis") return aggregated(request, state.allGroups) ?? encoded(apiGroupList(state.groups), request, notAcceptable);
    const document = documentAt(path, state, serverAddress);
    if (document === undefined) return undefined;
    if (request.method !== "GET") throw methodNotAllowed();
    if (document === "absent") throw failure(404, "NotFound", "the server could not find the requested resource", {});
    return (path === "/api" ? aggregated(request, state.coreGroup) : undefined) ?? encoded(document, request, notAcceptableRoute);
  };
}

function discoveryState(kinds: readonly ResourceInfo[]) {
  const groups = groupsOf(kinds);
  const once = (isCore: boolean) => {
    let made: Aggregated | undefined;
    return () =>
      (made ??= withEtag(
        groupDiscoveryList(
          kinds,
          [...groups].filter(([group]) => (group === "") === isCore),
        ),
      ));
  };
  return { kinds, groups, coreGroup: once(true), allGroups: once(false) };
}

function withEtag(document: object): Aggregated {
  const body = Buffer.from(`${JSON.stringify(document)}\n`);
  return { body, etag: `"${createHash("sha512").update(body).digest("hex").toUpperCase()}"` };
}

/** @returns `undefined` for what is not ours, "absent" for a version that a served group has not */
function documentAt(path: string, { kinds, groups }: ReturnType<typeof discoveryState>, serverAddress: string): object | "absent" | undefined {
  const parts = path.split("/").slice(1);
  if (parts[0] === "api") {
    if (parts.length === 1) return apiVersions(serverAddress);
    if (parts.length > 2) return undefined;
    return parts[1] === "v1" ? apiResourceList(kinds, { group: "", version: "v1" }) : "absent";
  }
  const [, group = "", version] = parts;
  const versions = groups.get(group);
  if (versions === undefined || group === "" || parts.length > 3) return undefined;
  if (version === undefined) return { kind: "APIGroup", apiVersion: "v1", ...apiGroup(group, versions) };
  return versions.includes(version) ? apiResourceList(kinds, { group, version }) : "absent";
}

/** The aggregated document, when the client knows it. */
function aggregated(request: PlainRequest, document: () => Aggregated): PlainResponse | undefined {
  const known = parseAccept(headerOf(request, "accept")).some(
    ({ type, subtype, params }) =>
      type === "application" &&
      subtype === "json" &&
      params.get("g") === "apidiscovery.k8s.io" &&
      params.get("v") === "v2" &&
      params.get("as") === "APIGroupDiscoveryList",
  );
  if (!known) return undefined;
  const { body, etag } = document();
  const headers = { etag, vary: "Accept", "cache-control": "public" };
  if (headerOf(request, "if-none-match") === etag) return { status: 304, headers, body: "" };
  return { status: 200, headers: { "content-type": AGGREGATED_TYPE, ...headers }, body };
}

const headerOf = ({ headers }: PlainRequest, name: string): string => {
  const value = headers[name];
  return typeof value === "string" ? value : (value?.join(",") ?? "");
};

/** @param refusal what is thrown when no clause of the Accept header fits at all */
function encoded(document: object, request: PlainRequest, refusal: () => StatusError): PlainResponse {
  const accept = headerOf(request, "accept");
  if (accept !== "" && !parseAccept(accept).some(isKnownType)) throw refusal();
  const { format, pretty } = negotiate(accept, { transforms: false });
  const headers = { "content-type": CONTENT_TYPE[format], "cache-control": "no-cache, private" };
  if (format === "yaml") return { status: 200, headers, body: toYaml(document) };
  const indent = pretty || isPretty(request.query, headerOf(request, "user-agent")) ? 2 : undefined;
  return { status: 200, headers, body: `${JSON.stringify(document, null, indent)}\n` };
}

function isKnownType({ type, subtype }: { readonly type: string; readonly subtype: string }): boolean {
  if (type === "*") return subtype === "*";
  return type === "application" && ["json", "yaml", "vnd.kubernetes.protobuf", "*"].includes(subtype);
}

const notAcceptable = () => failure(406, "NotAcceptable", `only the following media types are accepted: ${MEDIA_TYPES}`);

/** The words of upstream's router, which looks at the header before the API does. */
const notAcceptableRoute = () => failure(406, "NotAcceptable", `406: Not Acceptable\n\nAvailable representations: ${MEDIA_TYPES}`, {});

export const methodNotAllowed = () => failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});
