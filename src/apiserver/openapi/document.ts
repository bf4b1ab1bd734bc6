import { apiVersionOf, type ResourceInfo } from "#api/resources.ts";
import { addCustomSchemas, CUSTOM_INFO, customName } from "#apiserver/openapi/custom.ts";
import { groupVersionTitle, operationsOf, pathParameter, queryParameter, type Operation } from "#apiserver/openapi/operations.ts";
import { SchemaCollector, type JsonSchema } from "#apiserver/openapi/schemas.ts";
import { typeKeyOf, typeTable, type TypeTable } from "#apiserver/openapi/type-table.ts";

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

const MEDIA_TYPES = ["application/json", "application/vnd.kubernetes.protobuf", "application/yaml", "application/cbor"];
const STREAM_TYPES = ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch", "application/cbor-seq"];
export const PATCH_TYPES = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
  "application/apply-patch+cbor",
];
const REF = "#/components/schemas/";
const TITLE = "Kubernetes";
const CUSTOM_PATCH_TYPES = ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"];
/** Types that every group version has as kinds of its own. */
const COMMON_KINDS = new Set(["meta/v1.DeleteOptions", "meta/v1.WatchEvent"]);
const META_KINDS = new Set(["meta/v1.Status", "meta/v1.APIGroup", "meta/v1.APIGroupList", "meta/v1.APIResourceList", "meta/v1.APIVersions"]);

/** The OpenAPI v3 document of a group version: its paths, and the schemas of all that they name. */
export function groupVersionDocument(kinds: readonly ResourceInfo[], at: GroupVersion, release: string): object {
  const table = typeTable();
  const collector = newCollector(kinds, table);
  const served = kinds.filter(({ group, version }) => group === at.group && version === at.version);
  const root = at.group === "" ? `/api/${at.version}/` : `/apis/${at.group}/${at.version}/`;
  const custom = served.filter((info) => info.custom !== undefined);
  const isCustom = custom.length === served.length;
  for (const info of custom) addCustomSchemas(info, collector, REF);
  const list = (): [string, object] => [root, plainPath(`get${groupVersionTitle(at.group, at.version)}APIResources`, collector.ref("meta/v1.APIResourceList"))];
  const paths = new Map<string, object>(isCustom ? [] : [list()]);
  const isTold = ({ action }: Operation) => !isCustom || (action !== "watch" && action !== "watchlist");
  const allOperations = served.flatMap((info) =>
    operationsOf(info).map((operation) => (info.custom === undefined ? operation : { ...operation, custom: true })),
  );
  const byPath = Map.groupBy(allOperations.filter(isTold), ({ path }) => path);
  for (const [path, operations] of byPath)
    paths.set(
      path,
      pathItem(path, operations, (name, operation) => schemaFor(name, operation, collector, table)),
    );
  return wrapped(paths, collector, isCustom ? CUSTOM_INFO : { title: TITLE, version: release });
}

/** The document of a path that answers one thing: discovery and the version. */
export function plainDocument(path: string, operationId: string, typeKey: string | undefined, release: string): object {
  const collector = newCollector([], typeTable());
  const schema = typeKey === undefined ? { type: "string" } : collector.ref(typeKey);
  return wrapped(new Map([[path, plainPath(operationId, schema)]]), collector, { title: TITLE, version: release });
}

function wrapped(paths: ReadonlyMap<string, object>, { schemas }: SchemaCollector, info: typeof CUSTOM_INFO): object {
  const scheme = { type: "apiKey", description: "Bearer Token authentication", name: "authorization", in: "header" };
  const components = { schemas: sorted(schemas), securitySchemes: { BearerToken: scheme } };
  return { openapi: "3.0.0", info, paths: sorted(paths), components };
}

const sorted = <T>(map: ReadonlyMap<string, T>): Record<string, T> => Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));

function newCollector(kinds: readonly ResourceInfo[], table: TypeTable): SchemaCollector {
  const own = new Map<string, object[]>();
  const add = (group: string, version: string, kind: string) => {
    const key = typeKeyOf(table, group, version, kind);
    if (key !== undefined && !own.has(key)) own.set(key, [{ group, kind, version }]);
  };
  for (const { group, version, kind, listKind, subresources } of kinds) {
    add(group, version, kind);
    if (listKind !== undefined) add(group, version, listKind);
    for (const sub of subresources) add(sub.group, sub.version, sub.kind);
  }
  const everywhere = (kind: string) => {
    const all = Object.values(table.packages).flatMap(({ group, version }) =>
      version === "" ? [] : [{ group: group === "meta.k8s.io" ? "" : group, kind, version }],
    );
    return [...new Map(all.map((each) => [apiVersionOf(each), each])).values()]; // the core's v1 is of two packages
  };
  return new SchemaCollector(table, (key) => {
    const kind = key.slice(key.lastIndexOf(".") + 1);
    if (COMMON_KINDS.has(key)) return everywhere(kind);
    return META_KINDS.has(key) ? [{ group: "", kind, version: "v1" }] : own.get(key);
  });
}

function schemaFor(name: string, { gvk }: Operation, collector: SchemaCollector, table: TypeTable): JsonSchema {
  if (name === "string") return { type: "string" };
  const custom = customName(gvk, name);
  if (collector.schemas.has(custom)) return { $ref: REF + custom };
  const own = typeKeyOf(table, gvk.group, gvk.version, name);
  return collector.ref(own ?? `meta/v1.${name}`);
}

type SchemaFor = (name: string, operation: Operation) => JsonSchema;

function pathItem(path: string, operations: readonly Operation[], schemaOf: SchemaFor): object {
  const variables = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => pathParameter(name!));
  // What all operations of a path share stands with the path.
  const isShared = operations.length === 1 || operations.every(({ action }) => action === "connect");
  const shared = [...(isShared ? (operations[0]?.query ?? []) : []), ...(operations[0]?.action === "connect" ? [] : ["pretty"])].map(queryParameter);
  const item: Record<string, unknown> = {};
  for (const operation of operations) item[operation.method] = operationObject(operation, isShared ? [] : operation.query, schemaOf);
  return { ...item, parameters: [...variables, ...shared] };
}

function operationObject(operation: Operation, query: readonly string[], schemaOf: SchemaFor): object {
  const { action, gvk, id, body, answer } = operation;
  const schema = schemaOf(answer, operation);
  const isStream = action === "list" || action === "watch" || action === "watchlist";
  const types = action === "connect" ? ["*/*"] : isStream ? [...MEDIA_TYPES, ...STREAM_TYPES] : MEDIA_TYPES;
  const content = contentOf(types, schema);
  const codes: Readonly<Record<string, readonly string[]>> = {
    post: ["200", "201", "202"],
    put: ["200", "201"],
    patch: ["200", "201"],
    delete: ["200", "202"],
  };
  const names: Readonly<Record<string, string>> = { "200": "OK", "201": "Created", "202": "Accepted" };
  const responses = Object.fromEntries((codes[action] ?? ["200"]).map((code) => [code, { description: names[code], content }]));
  return {
    tags: [tagOf(id)],
    operationId: id,
    ...(query.length > 0 && { parameters: query.map(queryParameter) }),
    ...(body !== undefined && { requestBody: requestBody(operation, schemaOf(body, operation)) }),
    responses: { ...responses, "401": { description: "Unauthorized" } },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": gvk,
  };
}

const contentOf = (types: readonly string[], schema: JsonSchema) => Object.fromEntries(types.map((type) => [type, { schema }]));

function requestBody({ action, custom }: Operation, schema: JsonSchema): object {
  const content = contentOf(action === "patch" ? (custom === true ? CUSTOM_PATCH_TYPES : PATCH_TYPES) : MEDIA_TYPES.slice(0, 1), schema);
  return action === "delete" || action === "deletecollection" ? { content } : { content, required: true };
}

/** `apps_v1` of `listAppsV1NamespacedDeployment`. */
function tagOf(id: string): string {
  const match = /^[a-z]+((?:[A-Z][a-z]+)+?)(V\d+(?:alpha\d+|beta\d+)?)/.exec(id);
  if (match === null) return "core";
  const name = match[1]!.replace(/([a-z])([A-Z])/g, "$1_$2");
  return `${name}_${match[2]!}`.toLowerCase();
}

function plainPath(operationId: string, schema: JsonSchema): object {
  const content = contentOf(MEDIA_TYPES.slice(0, 3), schema);
  return { get: { operationId, responses: { "200": { description: "OK", content }, "401": { description: "Unauthorized" } } } };
}
