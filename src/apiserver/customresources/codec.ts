import assert from "node:assert/strict";

import { typeSchema } from "#api/schema/table.ts";
import type { View } from "#api/view.ts";
import { withExactIntegers } from "#apimachinery/decode/exact-integers.ts";
import { type Decoded, DecodeError } from "#apimachinery/decode/decode.ts";
import type { JsonNotes } from "#apimachinery/decode/json.ts";
import { isObject, type JsonObject, plainCopy } from "#apimachinery/decode/own.ts";
import { FieldPath } from "#apimachinery/field-error.ts";
import { deepFreeze, type KubeObject } from "#apimachinery/object.ts";
import { statusError } from "#apimachinery/status-error.ts";
import { applyDefaults, dropForbiddenNulls, hasDefaults } from "#apimachinery/structural/defaults.ts";
import { coerceEmbedded, coerceMetadata, CoercionError } from "#apimachinery/structural/embedded.ts";
import type { JsonSchema } from "#apimachinery/structural/json-schema.ts";
import { prune } from "#apimachinery/structural/prune.ts";
import { type Body, notHandled, notTyped, parseBody, unrecognized } from "#apiserver/registry/body.ts";
import type { Conversion } from "#apiserver/registry/conversion.ts";
import type { FieldValidation } from "#apiserver/registry/options.ts";
import type { RequestContext } from "#apiserver/registry/types.ts";
import type { Draft } from "#apiserver/registry/write.ts";

import { typedSchema } from "./typed-schema.ts";
import { StateConversion } from "./conversion/state-conversion.ts";

/** One kind of a definition, with the schemas of all its versions. */
export interface CustomKind {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
  readonly schemas: ReadonlyMap<string, JsonSchema>;
  readonly storageVersion: string;
  /** Asks a webhook, where only that knows how versions differ; objects go in other versions than the one asked for. */
  readonly ask: ((objects: readonly KubeObject[], apiVersion: string) => Promise<readonly JsonObject[]>) | undefined;
}

const NOTHING: JsonSchema = {};
const ROOT = new FieldPath();

/** Reads objects of one version. */
export class CustomCodec {
  readonly #kind: CustomKind;
  readonly #apiVersion: string;

  constructor(kind: CustomKind, version: string) {
    this.#kind = kind;
    this.#apiVersion = `${kind.group}/${version}`;
  }

  /** @throws {StatusError} 400 */
  decodeBody(body: Body, validation: FieldValidation, context: RequestContext): Draft {
    const { kind } = this.#kind;
    const parsed = parseBody(body, { kind, apiVersion: this.#apiVersion });
    const { value } = parsed;
    if (!isObject(value)) throw unrecognized(kind, `couldn't get version/kind; json parse error: ${notTyped(value)}`, body);
    if (typeof value["kind"] !== "string" || value["kind"] === "") {
      const text = "text" in body && body.format === "json" ? body.text : JSON.stringify(value);
      throw unrecognized(kind, `Object 'Kind' is missing in '${text}'`, body);
    }
    const typed = { kind: value["kind"], apiVersion: typeof value["apiVersion"] === "string" ? value["apiVersion"] : "" };
    let decoded: Decoded<Draft>;
    try {
      decoded = this.decode(value, parsed.notes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      throw notHandled(typed, kind, error.message);
    }
    const isYaml = "text" in body && body.format === "yaml";
    const repeated = isYaml ? parsed.duplicates : parsed.duplicates.map((path) => `duplicate field "${path}"`);
    const faults = [...repeated, ...decoded.strictErrors];
    if (validation === "Strict" && faults.length > 0) throw notHandled(typed, kind, `strict decoding error: ${faults.join(", ")}`);
    if (validation === "Warn") for (const fault of faults) context.warn(fault);
    if (typed.apiVersion === this.#apiVersion) return decoded.object;
    throw statusError.badRequest(`the API version in the data (${typed.apiVersion}) does not match the expected API version (${this.#apiVersion})`);
  }

  /** @throws {DecodeError} */
  decode(value: JsonObject, notes?: JsonNotes): Decoded<Draft> {
    if (notes !== undefined) refuseInfinite(value, notes);
    const object = plainCopy(withExactIntegers(value, notes)) as JsonObject;
    const strictErrors: string[] = [];
    const { metadata } = value;
    if (metadata === undefined || metadata === null) object["metadata"] = {};
    else {
      const coerced = coerceMetadata(metadata, { metadata: typeSchema("meta/v1.ObjectMeta"), notes });
      object["metadata"] = coerced.object;
      for (const text of coerced.strictErrors) if (text.startsWith(UNKNOWN)) strictErrors.push(`${UNKNOWN}metadata.${text.slice(UNKNOWN.length)}`);
    }
    const schema = this.#schemaOf(object);
    if (schema !== undefined) strictErrors.push(...canonicalize(object, schema).map((path) => `${UNKNOWN}${path}"`));
    return { object: object as unknown as Draft, strictErrors };
  }

  /** The schema of the version that the object says it has; `undefined` for one of another kind. */
  #schemaOf({ kind, apiVersion }: JsonObject): JsonSchema | undefined {
    const [group, version = ""] = String(apiVersion ?? "").split("/");
    if (kind !== this.#kind.kind || group !== this.#kind.group) return undefined;
    return this.#kind.schemas.get(version) ?? NOTHING;
  }
}

const UNKNOWN = 'unknown field "';

/** Defaults, then what is known alone. @returns the paths of what is not */
function canonicalize(object: JsonObject, schema: JsonSchema): string[] {
  dropForbiddenNulls(object, schema);
  applyDefaults(object, schema);
  const unknown = prune(object, schema, true);
  dropForbiddenNulls(object, schema);
  try {
    unknown.push(...coerceEmbedded(ROOT, object, schema, { metadata: typeSchema("meta/v1.ObjectMeta") }));
  } catch (error) {
    if (error instanceof CoercionError) throw new DecodeError(error.message, { cause: error });
    throw error;
  }
  return unknown;
}

function refuseInfinite(value: unknown, notes: JsonNotes): void {
  if (typeof value !== "object" || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    if (typeof member === "object") refuseInfinite(member, notes);
    else if (member === Infinity || member === -Infinity) {
      const literal = notes.literals.get(value)?.get(name) ?? String(member);
      throw new DecodeError(`json: cannot unmarshal number ${literal} into Go value of type float64`);
    }
  }
}

/** How one version shows a kind's objects. */
export interface VersionView {
  /** `undefined` when all are stored as they are shown. */
  readonly view: View | undefined;
  /** Absent where no webhook knows how versions differ. */
  readonly conversion: Conversion | undefined;
}

/**
 * How a version shows objects that are stored as another, or under an older schema.
 *
 * @param mayDiffer whether there may be such objects
 */
export function viewOfVersion(kind: CustomKind, version: string, mayDiffer: boolean): VersionView {
  const schema = kind.schemas.get(version) ?? NOTHING;
  const { group, plural, storageVersion } = kind;
  const apiVersion = `${group}/${version}`;
  const stored = { group, plural, kind: kind.kind, apiVersion: `${group}/${storageVersion}` };
  const shown = new WeakMap<KubeObject, KubeObject>();
  const view: View = {
    stored,
    toStored: (object) => (version === storageVersion ? object : converted(object, stored.apiVersion, kind.schemas.get(storageVersion) ?? NOTHING)),
    fromStored: (object) => {
      let made = shown.get(object);
      if (made === undefined) {
        made = deepFreeze(asShown(kind, object, apiVersion, schema));
        shown.set(object, made);
      }
      return made;
    },
  };
  const shows = mayDiffer || hasDefaults(schema) ? view : undefined;
  const { ask } = kind;
  if (ask === undefined) return { view: shows, conversion: undefined };
  const conversion = new StateConversion({
    apiVersion,
    storedVersion: stored.apiVersion,
    schemaOf: (other) => {
      const name = other.startsWith(`${group}/`) ? other.slice(group.length + 1) : "";
      const own = kind.schemas.get(name);
      return own === undefined ? undefined : typedSchema(own, `${name}.${kind.kind}`);
    },
    head: Buffer.from(`{"kind":${JSON.stringify(kind.kind)},"apiVersion":${JSON.stringify(apiVersion)},`),
    ask: async (objects, target) => {
      const answers = await ask(
        objects.map((object) => inOwnForm(kind, object) as unknown as KubeObject),
        target,
      );
      return answers.map((answer) => {
        prune(answer, schemaOf(kind, target), true);
        return answer as unknown as KubeObject;
      });
    },
    onConverted: (object) => shown.set(object, object),
  });
  return { view: shows, conversion };
}

const schemaOf = ({ schemas }: CustomKind, apiVersion = "") => schemas.get(apiVersion.slice(apiVersion.indexOf("/") + 1)) ?? NOTHING;

/** A stored object as its own version shows it. */
function inOwnForm(kind: CustomKind, object: KubeObject): JsonObject {
  const draft = plainCopy(object) as JsonObject;
  const schema = schemaOf(kind, object.apiVersion);
  dropForbiddenNulls(draft, schema);
  applyDefaults(draft, schema);
  prune(draft, schema, true);
  return draft;
}

function asShown(kind: CustomKind, object: KubeObject, apiVersion: string, schema: JsonSchema): KubeObject {
  const draft = inOwnForm(kind, object);
  if (object.apiVersion === apiVersion) return draft as unknown as KubeObject;
  assert(kind.ask === undefined, `a ${kind.kind} in ${object.apiVersion} was not converted before it was shown`);
  draft["apiVersion"] = apiVersion;
  prune(draft, schema, true);
  return draft as unknown as KubeObject;
}

function converted(object: KubeObject, apiVersion: string, schema: JsonSchema): KubeObject {
  const draft = plainCopy(object) as JsonObject;
  draft["apiVersion"] = apiVersion;
  prune(draft, schema, true);
  return draft as unknown as KubeObject;
}
