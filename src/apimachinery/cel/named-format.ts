import { isLabelValue, isQualifiedName, nameIsDns1035Label, nameIsDnsLabel, nameIsDnsSubdomain } from "#apimachinery/validation/names.ts";
import { declare, type FunctionDeclaration, member, overload } from "#lib/cel/declarations.ts";
import { listOf, optionalOf, STRING, structType } from "#lib/cel/types.ts";
import { ArrayList, NO_SUCH_OVERLOAD, type OpaqueValue, Optional, type Value } from "#lib/cel/values.ts";
import { Held, method, ofText } from "./opaque.ts";
import { requestFault } from "./urls.ts";

export const FORMAT = structType("kubernetes.NamedFormat");

interface NamedFormat {
  readonly name: string;
  /** What is wrong with a value. */
  readonly validate: (value: string) => readonly string[];
  /** As costs count it. */
  readonly patternSize: number;
}

export class FormatValue extends Held<NamedFormat> {
  override readonly type = FORMAT;

  override equals(other: OpaqueValue): boolean {
    return other instanceof FormatValue && this.held.name === other.held.name;
  }
}

const UUID = "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$";
const TIME = "^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$";
const IS_UUID = new RegExp(UUID.slice(4), "i");
const IS_TIME = new RegExp(TIME);
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Formats by the name of the function that gives them. */
const FORMATS: ReadonlyMap<string, FormatValue> = new Map(
  (
    [
      ["dns1123Label", "DNS1123Label", (value) => nameIsDnsLabel(value, false), 30],
      ["dns1123Subdomain", "DNS1123Subdomain", (value) => nameIsDnsSubdomain(value, false), 60],
      ["dns1035Label", "DNS1035Label", (value) => nameIsDns1035Label(value, false), 30],
      ["qualifiedName", "QualifiedName", isQualifiedName, 60],
      ["dns1123LabelPrefix", "DNS1123LabelPrefix", (value) => nameIsDnsLabel(value, true), 30],
      ["dns1123SubdomainPrefix", "DNS1123SubdomainPrefix", (value) => nameIsDnsSubdomain(value, true), 60],
      ["dns1035LabelPrefix", "DNS1035LabelPrefix", (value) => nameIsDns1035Label(value, true), 30],
      ["labelValue", "LabelValue", isLabelValue, 40],
      ["uri", "URI", (value) => [requestFault(value) ?? []].flat(), 1103],
      ["uuid", "uuid", (value) => (IS_UUID.test(value) ? [] : ["does not match the UUID format"]), UUID.length],
      ["byte", "byte", (value) => (isBase64(value) ? [] : ["invalid base64"]), 84],
      ["date", "date", (value) => (isDate(value) ? [] : ["invalid date"]), TIME.length],
      ["datetime", "datetime", (value) => (isDateTime(value) ? [] : ["invalid datetime"]), TIME.length],
    ] as const satisfies readonly (readonly [string, string, NamedFormat["validate"], number])[]
  ).map(([key, name, validate, patternSize]) => [key, new FormatValue({ name, validate, patternSize })]),
);

export const FORMAT_FUNCTIONS: readonly FunctionDeclaration[] = [
  ...[...FORMATS].map(([name, format]) => declare(`format.${name}`, [overload(`format.${name}`, [], FORMAT, () => format)])),
  declare("format.named", [overload("format-named", [STRING], optionalOf(FORMAT), ofText(named))]),
  declare("validate", [member("format-validate", [FORMAT, STRING], optionalOf(listOf(STRING)), method(FormatValue, validate))]),
];

function named(name: string): Value {
  const format = FORMATS.get(name);
  return format === undefined ? Optional.NONE : new Optional(format);
}

function validate(format: NamedFormat, value?: Value): Value {
  if (typeof value !== "string") return NO_SUCH_OVERLOAD;
  const faults = format.validate(value);
  return faults.length === 0 ? Optional.NONE : new Optional(new ArrayList([...faults]));
}

function isBase64(value: string): boolean {
  return value !== "" && BASE64.test(value.replaceAll(/[\r\n]/g, ""));
}

function isDate(value: string): boolean {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(value);
  if (match === null) return false;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function isDateTime(value: string): boolean {
  const [date = "", time] = value.toLowerCase().split("t");
  const [, hours, minutes, seconds] = IS_TIME.exec(time ?? "") ?? [];
  return value.length >= 4 && isDate(date) && hours !== undefined && Number(hours) <= 23 && Number(minutes) <= 59 && Number(seconds) <= 59;
}
