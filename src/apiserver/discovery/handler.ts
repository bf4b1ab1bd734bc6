import { createHash } from "node:crypto";

import type { ResourceInfo } from "#api/resources.ts";
import { failure, type StatusError } from "#apimachinery/status-error.ts";
import {
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
  defaultPriority,
  groupDiscoveryList,
  groupsOf,
  type Priority,
  type RemoteVersion,
} from "#apiserver/discovery/documents.ts";
import { CONTENT_TYPE, isPretty, negotiate, parseAccept } from "#apiserver/http/negotiation.ts";
import { listed, type PlainHandler, type PlainRequest, type PlainResponse } from "#apiserver/http/plain.ts";
import { protobufAnswer } from "#apiserver/http/protobuf-answer.ts";
import { toYaml } from "#apiserver/http/yaml.ts";

export interface DiscoveryDeps {
  /** The kinds that are served now. */
  readonly kinds: () => readonly ResourceInfo[];
  /** `host:port` that clients are told. */
  readonly serverAddress: string;
  readonly remotes?: RemoteGroups | undefined;
}

/** What other servers have, and how groups are to be ordered. */
export interface RemoteGroups {
  /** The same list for as long as the same is served. */
  readonly versions: readonly RemoteVersion[];
  /** The same for as long as no priority changes. */
  readonly priorities: ReadonlyMap<string, Priority>;
}

const MEDIA_TYPES = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
/** Of clients that know the document, those that ask for it in JSON or protobuf. */
const AGGREGATED_FORMATS = { json: "json", "vnd.kubernetes.protobuf": "protobuf" } as const;
const AS_AGGREGATED = ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

interface Aggregated {
  readonly document: object;
  readonly json: Buffer;
  /** The same for both formats, which the Vary header keeps apart. */
  readonly etag: string;
}

/** Answers discovery. Documents are made when first asked for and kept until `kinds` gives another list. */
export function discoveryHandler({ kinds, serverAddress, remotes = NO_REMOTES }: DiscoveryDeps): PlainHandler {
  let state = discoveryState(kinds(), remotes.versions, remotes.priorities);
  const current = () => {
    const served = kinds();
    const { versions, priorities } = remotes;
    if (served !== state.kinds || versions !== state.remotes || priorities !== state.priorities) state = discoveryState(served, versions, priorities);
    return state;
  };
  const handler: PlainHandler = (request) => {
    const path = request.path.length > 1 && request.path.endsWith("/") ? request.path.slice(0, -1) : request.path;
    if (path !== "/api" && path !== "/apis" && !path.startsWith("/api/") && !path.startsWith("/apis/")) return undefined;
    current();
    if (path === "/apis") return aggregated(request, state.allGroups) ?? encoded(apiGroupList(state.groups), request, notAcceptable);
    const document = documentAt(path, state, serverAddress);
    if (document === undefined) return undefined;
    if (request.method !== "GET") throw methodNotAllowed();
    if (document === "absent") throw failure(404, "NotFound", "the server could not find the requested resource", {});
    return (path === "/api" ? aggregated(request, state.coreGroup) : undefined) ?? encoded(document, request, notAcceptableRoute);
  };
  return listed(handler, () => pathsOf(current().groups));
}

function pathsOf(groups: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const ofGroup = (group: string, versions: readonly string[]) => {
    const root = group === "" ? "/api" : `/apis/${group}`;
    return [root, ...versions.map((version) => `${root}/${version}`)];
  };
  return ["/apis", "/apis/", ...[...groups].flatMap(([group, versions]) => ofGroup(group, versions))];
}

const NO_REMOTES: RemoteGroups = { versions: [], priorities: new Map() };

function discoveryState(kinds: readonly ResourceInfo[], remotes: readonly RemoteVersion[], priorities: ReadonlyMap<string, Priority>) {
  const groups = groupsOf([...kinds, ...remotes], (at) => priorities.get(`${at.version}.${at.group}`) ?? defaultPriority(at));
  const once = (isCore: boolean) => {
    let made: Aggregated | undefined;
    return () =>
      (made ??= withEtag(
        groupDiscoveryList(
          kinds,
          [...groups].filter(([group]) => (group === "") === isCore),
          remotes,
        ),
      ));
  };
  return { kinds, remotes, priorities, groups, coreGroup: once(true), allGroups: once(false) };
}

function withEtag(document: object): Aggregated {
  const json = Buffer.from(`${JSON.stringify(document)}\n`);
  return { document, json, etag: `"${createHash("sha512").update(json).digest("hex").toUpperCase()}"` };
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
  if (versions.includes(version)) return apiResourceList(kinds, { group, version });
  return kinds.some((info) => info.group === group && info.custom !== undefined) ? undefined : "absent";
}

/** The aggregated document, when the client knows it. */
function aggregated(request: PlainRequest, make: () => Aggregated): PlainResponse | undefined {
  const format = parseAccept(headerOf(request, "accept"))
    .map(aggregatedFormat)
    .find((each) => each !== undefined);
  if (format === undefined) return undefined;
  const { document, json, etag } = make();
  const headers = { etag, vary: "Accept", "cache-control": "public" };
  if (headerOf(request, "if-none-match") === etag) return { status: 304, headers, body: "" };
  const body = format === "json" ? json : protobufAnswer(document);
  return { status: 200, headers: { "content-type": `${CONTENT_TYPE[format]}${AS_AGGREGATED}`, ...headers }, body };
}

function aggregatedFormat({ type, subtype, params }: ReturnType<typeof parseAccept>[number]): "json" | "protobuf" | undefined {
  const isAsked = params.get("g") === "apidiscovery.k8s.io" && params.get("v") === "v2" && params.get("as") === "APIGroupDiscoveryList";
  if (!isAsked || type !== "application" || !Object.hasOwn(AGGREGATED_FORMATS, subtype)) return undefined;
  return AGGREGATED_FORMATS[subtype as keyof typeof AGGREGATED_FORMATS];
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
  if (format === "protobuf") return { status: 200, headers, body: protobufAnswer(document) };
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
