import { FieldPath, fieldError, type FieldError } from "#apimachinery/field-error.ts";
import { statusError } from "#apimachinery/status-error.ts";

const FLAGS = ["follow", "previous", "timestamps"];
const NUMBERS = ["sinceSeconds", "tailLines", "limitBytes"];
const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/**
 * Checks the options of a log request.
 *
 * @returns the query for the kubelet
 * @throws {StatusError} 400 for what cannot be read, 422 for what cannot be
 */
export function kubeletLogQuery(query: URLSearchParams, podName: string): URLSearchParams {
  const result = new URLSearchParams();
  for (const flag of FLAGS) if (isSet(query.get(flag))) result.set(flag, "true");
  const numbers = new Map<string, number>();
  for (const name of NUMBERS) {
    const text = query.get(name);
    if (text === null || text === "") continue;
    if (!/^[+-]?\d+$/.test(text)) throw statusError.badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
    numbers.set(name, Number(text));
    result.set(name, String(Number(text)));
  }
  const sinceTime = query.get("sinceTime");
  if (sinceTime) {
    if (!RFC3339.test(sinceTime)) {
      const rest = JSON.stringify(sinceTime);
      throw statusError.badRequest(`parsing time ${rest} as "2006-01-02T15:04:05Z07:00": cannot parse ${rest} as "2006"`);
    }
    result.set("sinceTime", sinceTime);
  }
  const errors = invalidOptions(numbers, sinceTime, query.get("stream"));
  if (errors.length > 0) throw statusError.invalid({ group: "", kind: "PodLogOptions" }, podName, errors);
  return result;
}

/** A flag of a query is on unless it says that it is off. */
const isSet = (value: string | null) => value !== null && value !== "0" && value.toLowerCase() !== "false";

function invalidOptions(numbers: ReadonlyMap<string, number>, sinceTime: string | null, stream: string | null): FieldError[] {
  const errors: FieldError[] = [];
  const below = (name: string, minimum: number, detail: string) => {
    const value = numbers.get(name);
    if (value !== undefined && value < minimum) errors.push(fieldError.invalid(new FieldPath(name), value, detail));
  };
  below("tailLines", 0, "must be greater than or equal to 0");
  below("limitBytes", 1, "must be greater than 0");
  if (numbers.has("sinceSeconds") && sinceTime) {
    errors.push(fieldError.forbidden(new FieldPath("[]"), "at most one of `sinceTime` or `sinceSeconds` may be specified"));
  } else {
    below("sinceSeconds", 1, "must be greater than 0");
  }
  if (stream !== null) errors.push(fieldError.forbidden(new FieldPath("stream"), "may not be specified"));
  return errors;
}
