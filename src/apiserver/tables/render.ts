import type { Pod } from "#api/core-v1/types.ts";
import type { ResourceInfo } from "#api/resources.ts";
import rawLayouts from "#api/schema/columns.json" with { type: "json" };
import described from "#apiserver/tables/column-descriptions.json" with { type: "json" };
import type { KubeObject } from "#apimachinery/object.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { Cell, Printer } from "#apiserver/tables/cells.ts";
import { corePrinters } from "#apiserver/tables/core.ts";
import { networkPrinters } from "#apiserver/tables/network.ts";
import { partialMetadata } from "#apiserver/tables/partial-metadata.ts";
import { podRowConditions } from "#apiserver/tables/pod.ts";
import { policyPrinters } from "#apiserver/tables/policy.ts";
import { storagePrinters } from "#apiserver/tables/storage.ts";
import { workloadPrinters } from "#apiserver/tables/workloads.ts";

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}

export type IncludeObject = "None" | "Metadata" | "Object";

export interface TableRequest {
  readonly info: Pick<ResourceInfo, "group" | "version" | "kind">;
  /** Of a custom resource. */
  readonly layout?: Layout | undefined;
  readonly objects: readonly KubeObject[];
  readonly includeObject: IncludeObject;
  /** `meta.k8s.io/v1` or `meta.k8s.io/v1beta1` */
  readonly apiVersion: string;
  /** The list's metadata; of a single object `{ resourceVersion }`. */
  readonly listMeta: object;
  readonly nowMs: number;
  /** A watch tells the columns only once. */
  readonly withColumns?: boolean;
}

export interface Table {
  readonly kind: "Table";
  readonly apiVersion: string;
  readonly metadata: object;
  readonly columnDefinitions: readonly Column[];
  readonly rows: readonly TableRow[] | null;
}

interface TableRow {
  readonly cells: readonly Cell[];
  readonly conditions?: readonly object[];
  readonly object: object | null;
}

/** Objects as the rows of a table, as `kubectl get` shows them; ages are as of `nowMs`. */
export function renderTable({ info, objects, includeObject, apiVersion, listMeta, nowMs, withColumns = true, layout = layoutOf(info) }: TableRequest): Table {
  const { columns, print } = layout;
  const isPods = info.kind === "Pod" && info.group === "";
  const row = (object: KubeObject): TableRow => {
    const conditions = isPods ? podRowConditions(object as Pod) : undefined;
    const cells = print(object, nowMs);
    if (cells[0] === undefined) (cells as Cell[])[0] = ""; // a bookmark has no name
    return { cells, ...(conditions && { conditions }), object: embedded(object, info, includeObject, apiVersion) };
  };
  const rows = sorted(info, objects).map(row);
  // Upstream's own converter of kinds without columns tells an empty list so.
  const isBare = print === DEFAULT_LAYOUT.print && rows.length === 0;
  return { kind: "Table", apiVersion, metadata: listMeta, columnDefinitions: withColumns ? columns : [], rows: isBare ? null : rows };
}

/**
 * @param value the query parameter
 * @throws {StatusError} 400
 */
export function parseIncludeObject(value: string | null | undefined): IncludeObject {
  if (value === null || value === undefined || value === "") return "Metadata";
  if (value === "None" || value === "Metadata" || value === "Object") return value;
  const why = `includeObject: Invalid value: ${JSON.stringify(value)}: must be 'Metadata', 'Object', 'None', or empty`;
  throw statusError.badRequest(`Unable to convert to Table as requested: ${why}`);
}

function embedded(object: KubeObject, info: TableRequest["info"], includeObject: IncludeObject, apiVersion: string): object | null {
  if (includeObject === "None") return null;
  if (includeObject === "Metadata") return partialMetadata(object, apiVersion);
  // Objects of a list carry no kind.
  const { group, version, kind } = info;
  return { kind, apiVersion: group === "" ? version : `${group}/${version}`, ...object };
}

/** Flow schemas come in the order in which they are tried. */
function sorted(info: TableRequest["info"], objects: readonly KubeObject[]): readonly KubeObject[] {
  if (info.kind !== "FlowSchema") return objects;
  const precedence = (object: KubeObject) => (object as { spec?: { matchingPrecedence?: number } }).spec?.matchingPrecedence ?? 0;
  return [...objects].sort((a, b) => precedence(a) - precedence(b) || (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** Columns, and what stands in them. */
export interface Layout {
  readonly columns: readonly Column[];
  readonly print: Printer;
}

const PRINTERS: Readonly<Record<string, Printer>> = {
  ...workloadPrinters,
  ...corePrinters,
  ...networkPrinters,
  ...storagePrinters,
  ...policyPrinters,
};

const DEFAULT_LAYOUT: Layout = {
  columns: [
    { name: "Name", type: "string", format: "name", description: describedAs("rbac.authorization.k8s.io/Role", "Name"), priority: 0 },
    { name: "Created At", type: "date", format: "", description: describedAs("rbac.authorization.k8s.io/Role", "Created At"), priority: 0 },
  ],
  print: ({ metadata }) => [metadata.name, metadata.creationTimestamp ?? null],
};

/** What upstream says of a column; most texts are shared by many kinds. */
export function describedAs(key: string, column: string): string {
  const columns = (described.columns as Readonly<Record<string, Readonly<Record<string, number>>>>)[key];
  return described.texts[columns?.[column] ?? -1] ?? "";
}

let layouts: Map<string, Layout> | undefined;

function layoutOf({ group, kind }: TableRequest["info"]): Layout {
  layouts ??= readLayouts();
  const key = `${group}/${kind}`;
  return layouts.get(key) ?? layouts.get(SAME_AS[key] ?? "") ?? DEFAULT_LAYOUT;
}

/** Kinds that are shown as another group's. */
const SAME_AS: Readonly<Record<string, string>> = {
  "extensions/Deployment": "apps/Deployment",
  "extensions/ReplicaSet": "apps/ReplicaSet",
  "extensions/DaemonSet": "apps/DaemonSet",
  "extensions/Ingress": "networking.k8s.io/Ingress",
};

/** Upstream has a layout of its own for it, and does not use it. */
const SHOWN_BY_DEFAULT = new Set(["storage.k8s.io/CSIStorageCapacity"]);

const textColumn = (name: string, format = "") => ({ name, type: "string", format, priority: 0 });

/** The aggregator's, which upstream keeps apart from all others. */
const API_SERVICE_LAYOUT: RawLayout = {
  group: "apiregistration.k8s.io",
  kind: "APIService",
  columns: [textColumn("Name", "name"), textColumn("Service"), textColumn("Available"), textColumn("Age")],
};

interface RawLayout {
  readonly group: string;
  readonly kind: string;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly format: string; readonly priority: number }[];
}

function readLayouts(): Map<string, Layout> {
  const found = new Map<string, Layout>();
  for (const { group, kind, columns } of [...(rawLayouts as readonly RawLayout[]), API_SERVICE_LAYOUT]) {
    const key = `${group}/${kind}`;
    const print = PRINTERS[key];
    if (print === undefined || SHOWN_BY_DEFAULT.has(key)) continue;
    found.set(key, {
      columns: columns.map(({ name, type, format, priority }) => ({ name, type, format, description: describedAs(key, name), priority })),
      print,
    });
  }
  found.set("events.k8s.io/Event", { columns: found.get("/Event")!.columns, print: PRINTERS["events.k8s.io/Event"]! });
  return found;
}
