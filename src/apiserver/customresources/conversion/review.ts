import { parseExactly } from "#apimachinery/decode/exact-integers.ts";
import { isObject, type JsonObject } from "#apimachinery/decode/own.ts";
import type { FieldError } from "#apimachinery/field-error.ts";
import { FieldPath } from "#apimachinery/field-error.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { validateAnnotations, validateLabels } from "#apimachinery/validation/object-meta.ts";

export type FailureType =
  | "conversion_webhook_call_failure"
  | "conversion_webhook_malformed_response_failure"
  | "conversion_webhook_partial_response_failure"
  | "conversion_webhook_invalid_converted_object_failure";

/** What is wrong with a webhook, or with its answer. `failureType` is how metrics name it. */
export class ConversionFailure extends Error {
  override readonly name = "ConversionFailure";
  readonly failureType: FailureType | undefined;

  constructor(message: string, failureType: FailureType | undefined) {
    super(message);
    this.failureType = failureType;
  }
}

export interface ReviewRequest {
  readonly uid: string;
  /** `example.com/v1` */
  readonly desiredAPIVersion: string;
  readonly objects: readonly KubeObject[];
}

const KNOWN = ["v1", "v1beta1"];
const GROUP = "apiextensions.k8s.io";

/** The first of the versions that a webhook understands that we speak. @throws {ConversionFailure} */
export function reviewVersion(understood: readonly string[]): string {
  const version = understood.find((each) => KNOWN.includes(each));
  if (version === undefined) throw new ConversionFailure("no supported conversion review versions", undefined);
  return version;
}

export function reviewText(version: string, request: ReviewRequest): string {
  const response = { uid: "", convertedObjects: null, result: { metadata: {} } };
  return JSON.stringify({ kind: "ConversionReview", apiVersion: `${GROUP}/${version}`, request, response });
}

/**
 * The objects of an answer.
 *
 * @param kind of what was sent, as texts have it: `example.com/v1, Kind=Thing`
 * @throws {ConversionFailure} in upstream's words
 * @see apiextensions-apiserver pkg/apiserver/conversion/webhook_converter.go
 */
export function answeredObjects(text: string, version: string, { uid, objects }: ReviewRequest, kind: string): readonly unknown[] {
  const malformed = (why: string) => new ConversionFailure(`conversion webhook for ${kind} failed: ${why}`, "conversion_webhook_malformed_response_failure");
  const review = parsed(text, kind);
  if (version === "v1") {
    const wanted = `${GROUP}/v1, Kind=ConversionReview`;
    if (kindText(review) !== wanted) throw malformed(`expected webhook response of ${wanted}, got ${kindText(review)}`);
  }
  const { response } = review;
  if (!isObject(response)) throw malformed("no response provided");
  const answered = typeof response["uid"] === "string" ? response["uid"] : "";
  if (version === "v1" && answered !== uid) throw malformed(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(answered)}`);
  const result = isObject(response["result"]) ? response["result"] : {};
  const { status = "", message = "" } = result as { status?: string; message?: string };
  if (status !== "Success") throw malformed(message !== "" ? message : `response.result.status was '${status}', not 'Success'`);
  const converted = Array.isArray(response["convertedObjects"]) ? (response["convertedObjects"] as unknown[]) : [];
  if (converted.length === objects.length) return converted;
  const why = `conversion webhook for ${kind} returned ${converted.length} objects, expected ${objects.length}`;
  throw new ConversionFailure(why, "conversion_webhook_partial_response_failure");
}

function parsed(text: string, kind: string): JsonObject {
  const failed = (why: string) => new ConversionFailure(`conversion webhook for ${kind} failed: ${why}`, "conversion_webhook_call_failure");
  let review: unknown;
  try {
    review = parseExactly(text);
  } catch (error) {
    throw failed((error as Error).message);
  }
  if (!isObject(review)) throw failed(`couldn't get version/kind; json parse error: unexpected ${Array.isArray(review) ? "array" : typeof review}`);
  return review;
}

function kindText({ apiVersion, kind }: JsonObject): string {
  const version = typeof apiVersion === "string" ? apiVersion : "";
  return `${version.includes("/") ? version : `/${version}`}, Kind=${typeof kind === "string" ? kind : ""}`;
}

export interface Converted {
  readonly original: KubeObject;
  readonly answer: unknown;
  readonly index: number;
  /** Texts about an object by itself and one of a list differ. */
  readonly isListed: boolean;
  readonly desiredAPIVersion: string;
  readonly kind: string;
}

/**
 * An object that came back, with the metadata that it had: but for labels and annotations, a webhook changes none of it.
 *
 * @throws {ConversionFailure} in upstream's words
 */
export function checkedObject({ original, answer, index, isListed, desiredAPIVersion, kind }: Converted): JsonObject {
  const fail = (what: string, place: string, why: string) =>
    new ConversionFailure(`conversion webhook for ${kind} returned invalid ${what}${place}: ${why}`, "conversion_webhook_invalid_converted_object_failure");
  const at = ` at index ${index}`;
  const named = isListed ? "converted object" : "object";
  if (!isObject(answer)) throw fail(named, at, "Object 'Kind' is missing");
  const invalid = (expected: string, received: string) => `(expected ${expected}, received ${received})`;
  const version = typeof answer["apiVersion"] === "string" ? answer["apiVersion"] : "";
  if (version !== desiredAPIVersion) throw fail(named, at, `invalid groupVersion ${invalid(desiredAPIVersion, version)}`);
  const own = typeof answer["kind"] === "string" ? answer["kind"] : "";
  if (own !== original.kind) throw fail(named, at, `invalid kind ${invalid(original.kind ?? "", own)}`);
  const changed = identityFault(original, answer);
  if (changed !== undefined) throw fail(named, isListed ? at : "", changed);
  const restored = restoredMetadata(original, answer);
  if (typeof restored === "string") throw fail(isListed ? "metadata in object" : "metadata", isListed ? at : "", restored);
  return { ...answer, metadata: restored };
}

function identityFault({ metadata }: KubeObject, answer: JsonObject): string | undefined {
  const given = isObject(answer["metadata"]) ? answer["metadata"] : {};
  for (const [name, shown] of [
    ["name", "name"],
    ["namespace", "namespace"],
    ["uid", "UID"],
  ] as const) {
    const [before = "", after] = [metadata[name] as string | undefined, typeof given[name] === "string" ? given[name] : ""];
    if (before !== after) return `must have the same ${shown}: ${before} != ${after}`;
  }
  return undefined;
}

/** @returns a text for what cannot be */
function restoredMetadata(original: KubeObject, answer: JsonObject): JsonObject | string {
  if (!Object.hasOwn(answer, "metadata")) return "missing metadata in converted object";
  const given = answer["metadata"];
  if (!isObject(given)) return `invalid metadata of type ${goType(given)} in converted object`;
  const metadata: JsonObject = { ...original.metadata };
  for (const field of ["labels", "annotations"] as const) {
    const value = given[field] ?? undefined;
    delete metadata[field];
    if (value === undefined) continue;
    if (!isObject(value)) return `invalid metadata.${field} of type ${goType(value)} in converted object`;
    for (const [key, each] of Object.entries(value)) {
      if (typeof each !== "string") return `metadata.${field}[${key}] must be a string, but is ${goType(each)} in converted object`;
    }
    const errors = changedErrors(field, original.metadata[field] ?? {}, value as Readonly<Record<string, string>>);
    if (errors.length > 0) return aggregate(errors);
    metadata[field] = value;
  }
  return metadata;
}

type Texts = Readonly<Record<string, string>>;

function changedErrors(field: "labels" | "annotations", before: Texts, after: Texts): FieldError[] {
  const names = Object.keys(after);
  if (names.length === Object.keys(before).length && names.every((name) => before[name] === after[name])) return [];
  const metadata = new FieldPath("metadata");
  return field === "labels" ? validateLabels(after, metadata.child("labels")) : validateAnnotations(after, metadata.child("annotation"));
}

function aggregate(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map(({ field, text }) => `${field}: ${text}`))];
  return texts.length === 1 ? texts[0]! : `[${texts.join(", ")}]`;
}

function goType(value: unknown): string {
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return "[]interface {}";
  if (isObject(value)) return "map[string]interface {}";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  return typeof value === "boolean" ? "bool" : typeof value === "bigint" ? "int64" : typeof value;
}
