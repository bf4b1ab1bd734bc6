import type { ResourceInfo, Subresource } from "#api/resources.ts";
import type { JsonSchema } from "#apiserver/openapi/schemas.ts";

export type Method = "get" | "put" | "post" | "delete" | "patch" | "options" | "head";

/** One thing that can be done at a path. */
export interface Operation {
  readonly path: string;
  readonly method: Method;
  readonly id: string;
  readonly action: "get" | "list" | "watch" | "watchlist" | "post" | "put" | "patch" | "delete" | "deletecollection" | "connect";
  readonly gvk: { readonly group: string; readonly version: string; readonly kind: string };
  readonly query: readonly string[];
  /** What is sent, by kind of the group version or by a common name. */
  readonly body?: string;
  readonly answer: string;
  /** On a custom resource, whose lists nothing says how to merge. */
  readonly custom?: boolean;
}

const LIST = [
  "allowWatchBookmarks",
  "continue",
  "fieldSelector",
  "labelSelector",
  "limit",
  "resourceVersion",
  "resourceVersionMatch",
  "sendInitialEvents",
  "timeoutSeconds",
  "watch",
];
const WRITE = ["dryRun", "fieldManager", "fieldValidation"];
const DELETE = ["dryRun", "gracePeriodSeconds", "ignoreStoreReadErrorWithClusterBreakingPotential", "orphanDependents", "propagationPolicy"];
const COLLECTION = [
  ...[
    "continue",
    "dryRun",
    "fieldSelector",
    "gracePeriodSeconds",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "labelSelector",
    "limit",
    "orphanDependents",
  ],
  ...["propagationPolicy", "resourceVersion", "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds"],
];
const STREAM = ["command", "container", "stderr", "stdin", "stdout", "tty"];
const CONNECT_QUERY: Readonly<Record<string, readonly string[]>> = {
  exec: STREAM,
  attach: STREAM.slice(1),
  portforward: ["ports"],
  proxy: ["path"],
  log: ["container", "follow", "insecureSkipTLSVerifyBackend", "limitBytes", "previous", "sinceSeconds", "sinceTime", "stream", "tailLines", "timestamps"],
};
const CONNECT_VERBS: readonly (readonly [verb: string, method: Method])[] = [
  ["get", "get"],
  ["update", "put"],
  ["create", "post"],
  ["delete", "delete"],
  ["patch", "patch"],
];

export const title = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `AppsV1`, `RbacAuthorizationV1`, `CoreV1`. */
export function groupVersionTitle(group: string, version: string): string {
  const name = group === "" ? "core" : group.replace(/\.k8s\.io$/, "");
  return name.split(".").map(title).join("") + title(version);
}

/** All operations of a resource and its subresources. */
export function operationsOf(info: ResourceInfo): Operation[] {
  const { group, version, plural, namespaced, kind } = info;
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const scope = namespaced ? "/namespaces/{namespace}" : "";
  const names = { gv: groupVersionTitle(group, version), scoped: `${namespaced ? "Namespaced" : ""}${kind}` };
  const collection = `${root}${scope}/${plural}`;
  const item = `${collection}/{name}`;
  const gvk = { group, version, kind };
  const has = (verb: string) => info.verbs.includes(verb);
  const list = `${kind}List`;
  const operations: Operation[] = [];
  const add = (verb: string, operation: Omit<Operation, "gvk">) => {
    if (has(verb)) operations.push({ ...operation, gvk });
  };
  add("list", { path: collection, method: "get", id: `list${names.gv}${names.scoped}`, action: "list", query: LIST, answer: list });
  add("create", { path: collection, method: "post", id: `create${names.gv}${names.scoped}`, action: "post", query: WRITE, body: kind, answer: kind });
  add("deletecollection", {
    path: collection,
    method: "delete",
    id: `delete${names.gv}Collection${names.scoped}`,
    action: "deletecollection",
    query: COLLECTION,
    body: "DeleteOptions",
    answer: "Status",
  });
  if (namespaced) {
    add("list", { path: `${root}/${plural}`, method: "get", id: `list${names.gv}${kind}ForAllNamespaces`, action: "list", query: LIST, answer: list });
  }
  add("get", { path: item, method: "get", id: `read${names.gv}${names.scoped}`, action: "get", query: [], answer: kind });
  add("update", { path: item, method: "put", id: `replace${names.gv}${names.scoped}`, action: "put", query: WRITE, body: kind, answer: kind });
  add("delete", {
    path: item,
    method: "delete",
    id: `delete${names.gv}${names.scoped}`,
    action: "delete",
    query: DELETE,
    body: "DeleteOptions",
    answer: deletedAs(kind),
  });
  add("patch", {
    path: item,
    method: "patch",
    id: `patch${names.gv}${names.scoped}`,
    action: "patch",
    query: [...WRITE, "force"],
    body: "Patch",
    answer: kind,
  });
  const watched = { method: "get" as const, query: LIST, answer: "WatchEvent" };
  if (namespaced) add("watch", { ...watched, path: `${root}/watch/${plural}`, id: `watch${names.gv}${kind}ListForAllNamespaces`, action: "watchlist" });
  add("watch", { ...watched, path: `${root}/watch${scope}/${plural}`, id: `watch${names.gv}${names.scoped}List`, action: "watchlist" });
  add("watch", { ...watched, path: `${root}/watch${scope}/${plural}/{name}`, id: `watch${names.gv}${names.scoped}`, action: "watch" });
  return [...operations, ...info.subresources.flatMap((each) => subresourceOperations(info, each, item, names))];
}

/** Kinds that are given back as they were when they are deleted at once. */
const deletedAs = (kind: string) =>
  ["Pod", "ServiceAccount", "PersistentVolume", "PersistentVolumeClaim", "PodTemplate", "ResourceQuota"].includes(kind) ? kind : "Status";

function subresourceOperations(info: ResourceInfo, sub: Subresource, item: string, names: { readonly gv: string; readonly scoped: string }): Operation[] {
  const gvk = { group: sub.group, version: sub.version, kind: sub.kind };
  const path = `${item}/${sub.name}`;
  const suffix = `${names.scoped}${title(sub.name)}`;
  if (isConnect(sub)) return connectOperations(sub, path, names.gv, suffix, gvk);
  const has = (verb: string) => sub.verbs.includes(verb);
  const base = { path, gvk, answer: sub.kind };
  return [
    ...(has("get") ? [{ ...base, method: "get" as const, id: `read${names.gv}${suffix}`, action: "get" as const, query: CONNECT_QUERY[sub.name] ?? [] }] : []),
    ...(has("update") ? [{ ...base, method: "put" as const, id: `replace${names.gv}${suffix}`, action: "put" as const, query: WRITE, body: sub.kind }] : []),
    ...(has("create") ? [{ ...base, method: "post" as const, id: `create${names.gv}${suffix}`, action: "post" as const, query: WRITE, body: sub.kind }] : []),
    ...(has("patch")
      ? [{ ...base, method: "patch" as const, id: `patch${names.gv}${suffix}`, action: "patch" as const, query: [...WRITE, "force"], body: "Patch" }]
      : []),
  ];
}

const isConnect = ({ kind }: Subresource) => /^(Pod|Node|Service)(Exec|Attach|PortForward|Proxy)Options$/.test(kind);

function connectOperations(sub: Subresource, path: string, gv: string, suffix: string, gvk: Operation["gvk"]): Operation[] {
  const methods = CONNECT_VERBS.filter(([verb]) => sub.verbs.includes(verb)).map(([, method]) => method);
  // A proxy hands on what it is given: discovery has no verbs for these.
  if (sub.name === "proxy") methods.push("options", "head");
  const at = (place: string, end: string): Operation[] =>
    methods.map((method) => ({
      path: place,
      method,
      id: `connect${gv}${title(method)}${suffix}${end}`,
      action: "connect",
      gvk,
      query: CONNECT_QUERY[sub.name] ?? [],
      answer: "string",
    }));
  return [...at(path, ""), ...(sub.name === "proxy" ? at(`${path}/{path}`, "WithPath") : [])];
}

const TYPES: Readonly<Record<string, JsonSchema>> = {
  allowWatchBookmarks: { type: "boolean" },
  follow: { type: "boolean" },
  force: { type: "boolean" },
  ignoreStoreReadErrorWithClusterBreakingPotential: { type: "boolean" },
  insecureSkipTLSVerifyBackend: { type: "boolean" },
  orphanDependents: { type: "boolean" },
  previous: { type: "boolean" },
  sendInitialEvents: { type: "boolean" },
  stderr: { type: "boolean" },
  stdin: { type: "boolean" },
  stdout: { type: "boolean" },
  timestamps: { type: "boolean" },
  tty: { type: "boolean" },
  watch: { type: "boolean" },
  gracePeriodSeconds: { type: "integer" },
  limit: { type: "integer" },
  limitBytes: { type: "integer" },
  ports: { type: "integer" },
  sinceSeconds: { type: "integer" },
  tailLines: { type: "integer" },
  timeoutSeconds: { type: "integer" },
};

export const queryParameter = (name: string) => ({ name, in: "query", schema: { ...(TYPES[name] ?? { type: "string" }), uniqueItems: true } });

export const pathParameter = (name: string) => ({ name, in: "path", required: true, schema: { type: "string", uniqueItems: true } });
