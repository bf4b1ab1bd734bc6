/** The kinds of mistake in a field, named as a Status cause's `reason` names them. */
export type FieldErrorType =
  | "FieldValueNotFound"
  | "FieldValueRequired"
  | "FieldValueDuplicate"
  | "FieldValueInvalid"
  | "FieldValueNotSupported"
  | "FieldValueForbidden"
  | "FieldValueTooLong"
  | "FieldValueTooMany"
  | "InternalError"
  | "FieldValueTypeInvalid";

/** One mistake in one field. `text` is the message without the path, exactly as upstream prints it. */
export interface FieldError {
  readonly type: FieldErrorType;
  readonly field: string;
  readonly text: string;
}

/** A path like `spec.containers[0].name`, built from its root on. Most are never read: the text is made when somebody asks. */
export class FieldPath {
  readonly #parent: FieldPath | undefined;
  readonly #step: string | number;
  readonly #bracketed: boolean;

  constructor(text: string | number = "", parent?: FieldPath, bracketed = false) {
    this.#step = text;
    this.#parent = parent;
    this.#bracketed = bracketed;
  }

  child(name: string, ...more: readonly string[]): FieldPath {
    return new FieldPath(more.length === 0 ? name : `${name}.${more.join(".")}`, this);
  }

  index(i: number): FieldPath {
    return new FieldPath(i, this, true);
  }

  /** A key of a map: `metadata.labels[app]`. */
  key(name: string): FieldPath {
    return new FieldPath(name, this, true);
  }

  get text(): string {
    const before = this.#parent?.text ?? "";
    if (this.#bracketed) return `${before}[${this.#step}]`;
    return before === "" ? String(this.#step) : `${before}.${this.#step}`;
  }

  toString(): string {
    const { text } = this;
    return text === "" ? "<nil>" : text;
  }
}

/** Stands for a value that is not told: in `invalid` and `duplicate`. */
export const UNTOLD: unique symbol = Symbol("untold");

const told = (text: string, value: unknown) => (value === UNTOLD ? text : `${text}: ${printed(value)}`);
const error = (type: FieldErrorType, path: FieldPath, text: string): FieldError => ({ type, field: path.toString(), text });
const withDetail = (text: string, detail: string) => (detail === "" ? text : `${text}: ${detail}`);

/** @see apimachinery pkg/util/validation/field/errors.go for the texts */
export const fieldError = {
  required: (path: FieldPath, detail = "") => error("FieldValueRequired", path, withDetail("Required value", detail)),
  invalid: (path: FieldPath, value: unknown, detail = "") => error("FieldValueInvalid", path, withDetail(told("Invalid value", value), detail)),
  duplicate: (path: FieldPath, value: unknown) => error("FieldValueDuplicate", path, told("Duplicate value", value)),
  notFound: (path: FieldPath, value: unknown) => error("FieldValueNotFound", path, `Not found: ${printed(value)}`),
  forbidden: (path: FieldPath, detail = "") => error("FieldValueForbidden", path, withDetail("Forbidden", detail)),
  notSupported: (path: FieldPath, value: unknown, supported: readonly string[]) => {
    const detail = supported.length > 0 ? `supported values: ${supported.map((v) => JSON.stringify(v)).join(", ")}` : "";
    return error("FieldValueNotSupported", path, withDetail(`Unsupported value: ${printed(value)}`, detail));
  },
  tooLong: (path: FieldPath, maxBytes: number) =>
    error("FieldValueTooLong", path, `Too long: may not be more than ${maxBytes} byte${maxBytes === 1 ? "" : "s"}`),
  tooMany: (path: FieldPath, count: number, max: number) =>
    error("FieldValueTooMany", path, `Too many: ${count}: must have at most ${max} item${max === 1 ? "" : "s"}`),
  typeInvalid: (path: FieldPath, value: unknown, detail = "") => error("FieldValueTypeInvalid", path, withDetail(`Invalid value: ${printed(value)}`, detail)),
  internal: (path: FieldPath, detail: string) => error("InternalError", path, `Internal error: ${detail}`),
};

/** A value as Go's field errors print it: strings quoted, composites as JSON that is safe in HTML, nothing as `null`. */
function printed(value: unknown): string {
  if (typeof value === "string") return goQuoted(value);
  if (value === undefined) return "null";
  const text = JSON.stringify(value);
  return typeof value === "object" ? text.replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`) : text;
}

const ESCAPES: Readonly<Record<string, string>> = { "\u0007": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r" };

/** A string as Go's `%q` prints it: control characters are `\\x01`, where JSON would have `\\u0001`. */
export function goQuoted(text: string): string {
  // oxlint-disable-next-line no-control-regex
  if (!/[\u0000-\u001f\u007f]/.test(text)) return JSON.stringify(text);
  // oxlint-disable-next-line no-control-regex
  const parts = text.split(/([\u0000-\u001f\u007f])/);
  return `"${parts.map((part, i) => (i % 2 === 0 ? JSON.stringify(part).slice(1, -1) : (ESCAPES[part] ?? hexEscape(part)))).join("")}"`;
}

const hexEscape = (control: string) => `\\x${control.charCodeAt(0).toString(16).padStart(2, "0")}`;
