import type { KubeObject } from "#apimachinery/object.ts";

export type Cell = bigint | string | number | boolean | null;

/** Makes a row's cells. `nowMs` is the time that ages are counted to. */
export type Printer<T extends KubeObject = KubeObject> = (object: T, nowMs: number) => Cell[];

/** Printers by `group/kind`. */
export type Printers = Readonly<Record<string, Printer>>;

/** A printer of `T`'s own fields, as one of any objects: the table says which kind it gets. */
export function printer<T extends KubeObject>(print: Printer<T>): Printer {
  return print as unknown as Printer;
}

export const NONE = "<none>";
export const UNSET = "<unset>";

/** The time since `timestamp`, as people say it. */
export function age(timestamp: string | undefined, nowMs: number): string {
  return timestamp ? humanDuration(nowMs - Date.parse(timestamp)) : "<unknown>";
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** @see apimachinery pkg/util/duration: two units while the smaller one matters, else one */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 2 * MINUTE) return `${seconds}s`;
  if (seconds < 10 * MINUTE) return twoUnits(seconds, MINUTE, "m", 1, "s");
  if (seconds < 3 * HOUR) return `${Math.floor(seconds / MINUTE)}m`;
  if (seconds < 8 * HOUR) return twoUnits(seconds, HOUR, "h", MINUTE, "m");
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)}h`;
  if (seconds < 8 * DAY) return twoUnits(seconds, DAY, "d", HOUR, "h");
  if (seconds < 2 * YEAR) return `${Math.floor(seconds / DAY)}d`;
  if (seconds < 8 * YEAR) return twoUnits(seconds, YEAR, "y", DAY, "d");
  return `${Math.floor(seconds / YEAR)}y`;
}

function twoUnits(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)}${largeName}${rest === 0 ? "" : `${rest}${smallName}`}`;
}

export const ageOf = (object: KubeObject, nowMs: number): string => age(object.metadata.creationTimestamp, nowMs);

/** `a=b,c=d`, or `<none>`. */
export function labelMap(labels: Readonly<Record<string, string>> | undefined): string {
  const text = Object.entries(labels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  return text === "" ? NONE : text;
}

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>> | undefined;
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] | undefined }[] | undefined;
}

/** A label selector in the form that selectors have in queries; `""` selects everything. */
export function selectorText(selector: Selector | undefined): string {
  const equalities = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` }));
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => ({ key, text: expressionText(key, operator, values) }));
  return [...equalities, ...expressions]
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ text }) => text)
    .join(",");
}

function expressionText(key: string, operator: string, values: readonly string[]): string {
  if (operator === "Exists") return key;
  if (operator === "DoesNotExist") return `!${key}`;
  return `${key} ${operator === "In" ? "in" : "notin"} (${[...values].sort().join(",")})`;
}

export const selectorOrNone = (selector: Selector | undefined): string => selectorText(selector) || NONE;

/** The first `shown` of a list, and how many more there are. */
export function firstFew(list: readonly string[], shown: number, separator = ","): string {
  const text = list.slice(0, shown).join(separator);
  return list.length > shown ? `${text} + ${list.length - shown} more...` : text;
}

interface Template {
  readonly spec?: { readonly containers?: readonly { readonly name: string; readonly image?: string | undefined }[] | undefined } | undefined;
}

/** The names and the images of a template's containers. */
export function containerCells(template: Template | undefined): [names: string, images: string] {
  const containers = template?.spec?.containers ?? [];
  return [containers.map(({ name }) => name).join(","), containers.map(({ image }) => image ?? "").join(",")];
}

interface Condition {
  readonly type: string;
  readonly status: string;
}

export const hasCondition = (conditions: readonly Condition[] | undefined, type: string): boolean =>
  conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;
