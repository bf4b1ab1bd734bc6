import type { AdmissionResponse } from "#api/admission-v1/types.ts";
import { kindSchema } from "#api/schema/table.ts";
import { decodeObject } from "#apimachinery/decode/decode.ts";
import { parseJson } from "#apimachinery/decode/json.ts";
import { isObject } from "#apimachinery/decode/own.ts";
import type { Status } from "#apimachinery/meta-v1/types.ts";
import { StatusError } from "#apimachinery/status-error.ts";
import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";
import type { ReviewedKind } from "#apiserver/admission/webhooks/versions.ts";

const GROUP = "admission.k8s.io";
const KNOWN_VERSIONS = ["v1", "v1beta1"];

/** What a webhook is asked: as which kind it sees the objects, and the objects in that form. */
export interface ReviewedRequest {
  readonly attributes: AdmissionAttributes;
  /** The kind and resource of the request itself. */
  readonly requested: ReviewedKind;
  readonly seen: ReviewedKind;
  readonly object: unknown;
  readonly oldObject: unknown;
}

/** The first version that the webhook names and we speak. @throws {Error} when there is none */
export function reviewVersion(accepted: readonly string[]): string {
  const version = accepted.find((each) => KNOWN_VERSIONS.includes(each));
  if (version === undefined) throw new Error("could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)");
  return version;
}

/** The AdmissionReview to send, as JSON. */
export function reviewText(version: string, uid: string, request: ReviewedRequest): string {
  const { object, oldObject } = request;
  const asked = { uid, ...requestFields(request), object: object ?? null, oldObject: oldObject ?? null };
  return JSON.stringify({ kind: "AdmissionReview", apiVersion: `${GROUP}/${version}`, request: asked });
}

/** The request without its objects, as webhooks and expressions see it. */
export function requestFields({ attributes, requested, seen }: Pick<ReviewedRequest, "attributes" | "requested" | "seen">): object {
  const { operation, subresource, name, namespace, user, dryRun, options } = attributes;
  return {
    kind: seen.kind,
    resource: seen.resource,
    ...(subresource !== "" && { subResource: subresource }),
    requestKind: requested.kind,
    requestResource: requested.resource,
    ...(subresource !== "" && { requestSubResource: subresource }),
    ...(name !== "" && { name }),
    ...(namespace !== "" && { namespace }),
    operation,
    userInfo: {
      ...(user.name !== "" && { username: user.name }),
      ...(user.uid !== "" && { uid: user.uid }),
      ...(user.groups.length > 0 && { groups: user.groups }),
      ...(Object.keys(user.extra).length > 0 && { extra: user.extra }),
    },
    dryRun,
    options: operation === "CONNECT" ? null : { kind: OPTIONS[operation], apiVersion: "meta.k8s.io/v1", ...options },
  };
}

const OPTIONS = { CREATE: "CreateOptions", UPDATE: "UpdateOptions", DELETE: "DeleteOptions" } as const;

/** What a webhook has said. */
export interface Verdict {
  readonly allowed: boolean;
  /** Why not, as the webhook has it. */
  readonly result: Partial<Status> | undefined;
  /** A JSON patch's text; `""` for none. */
  readonly patch: string;
  readonly patchType: string;
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

/**
 * The answer in an AdmissionReview's text.
 *
 * @throws {Error} in upstream's words, when it is no answer to this question
 */
export function verdictOf(text: string, asked: { readonly version: string; readonly uid: string; readonly mutating: boolean }): Verdict {
  const { response, given } = decodeReview(text, asked.version);
  const invalid = (why: string) => new Error(`received invalid webhook response: ${why}`);
  if (response === undefined) throw invalid("webhook response was absent");
  const isNew = asked.version === "v1";
  if (isNew && response.uid !== asked.uid) throw invalid(`expected response.uid=${JSON.stringify(asked.uid)}, got ${JSON.stringify(response.uid)}`);
  if (isNew && given !== `${GROUP}/v1, Kind=AdmissionReview`) {
    throw invalid(`expected webhook response of ${GROUP}/v1, Kind=AdmissionReview, got ${given}`);
  }
  const { allowed, status: result, warnings = [], auditAnnotations = {} } = response;
  const patch = Buffer.from(response.patch ?? "", "base64").toString();
  const fault = isNew ? patchFault(patch, response.patchType, asked.mutating) : undefined;
  if (fault !== undefined) throw invalid(fault);
  const patchType = isNew ? (response.patchType ?? "") : patch === "" ? "" : "JSONPatch";
  return { allowed, result, patch: asked.mutating ? patch : "", patchType, warnings, auditAnnotations };
}

function patchFault(patch: string, patchType: string | undefined, mutating: boolean): string | undefined {
  if (!mutating && patch !== "") return "validating webhook may not return response.patch";
  if (!mutating && patchType !== undefined) return "validating webhook may not return response.patchType";
  if (patch !== "" && patchType === undefined) return "webhook returned response.patch but not response.patchType";
  if (patch === "" && patchType !== undefined) return "webhook returned response.patchType but not response.patch";
  return patchType === "" ? 'webhook returned invalid response.patchType of ""' : undefined;
}

/** @throws {Error} as upstream's client does for a body that it cannot take */
function decodeReview(text: string, version: string): { response: AdmissionResponse | undefined; given: string } {
  const value = parsed(text);
  const { kind = "", apiVersion = "" } = value as { kind?: string; apiVersion?: string };
  const own = `${GROUP}/${version}`;
  if (apiVersion !== "" && apiVersion !== own && kind === "AdmissionReview" && apiVersion.startsWith(`${GROUP}/`)) {
    const other = apiVersion.slice(GROUP.length + 1);
    throw new Error(`failed to call webhook: converting (${other}.AdmissionReview) to (${version}.AdmissionReview): unknown conversion`);
  }
  if ((kind !== "" && kind !== "AdmissionReview") || (apiVersion !== "" && apiVersion !== own)) {
    throw new Error(
      `failed to call webhook: no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:110"`,
    );
  }
  const slash = apiVersion.indexOf("/");
  const given = `${apiVersion.slice(0, Math.max(slash, 0))}/${apiVersion.slice(slash + 1)}, Kind=${kind}`;
  const { object } = decodingAs("", () => decodeObject<{ response?: AdmissionResponse }>(kindSchema(GROUP, "v1", "AdmissionReview")!, value));
  return { response: object.response, given };
}

function parsed(text: string): object {
  const { value } = decodingAs("couldn't get version/kind; json parse error: ", () => parseJson(text));
  if (isObject(value)) return value;
  throw new Error(
    `failed to call webhook: couldn't get version/kind; json parse error: json: cannot unmarshal ${Array.isArray(value) ? "array" : typeof value} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
  );
}

function decodingAs<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new Error(`failed to call webhook: ${what}${(cause as Error).message}`, { cause });
  }
}

/** A refusal as the client sees it. @see kubernetes staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/errors/statuserror.go */
export function refusalOf(name: string, result: Partial<Status> = {}): StatusError {
  const { message = "", reason = "", code = 0, status = "" } = result;
  const denied = `admission webhook ${JSON.stringify(name)} denied the request`;
  const why = message !== "" ? `: ${message}` : reason !== "" ? `: ${reason}` : " without explanation";
  return new StatusError({
    ...result,
    metadata: result.metadata ?? {},
    status: status === "" || status === "Success" ? "Failure" : status,
    message: denied + why,
    code: Math.max(code, 400),
  } as Status);
}
