import { failure } from "#apimachinery/status-error.ts";
import type { StatusError } from "#apimachinery/status-error.ts";

export type Format = "json" | "yaml" | "protobuf";
export type Shape = "" | "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList";

/** What the Accept header asks for. */
export interface Accepted {
  readonly format: Format;
  readonly pretty: boolean;
  /** What the object is to be turned into; `""` leaves it as it is. */
  readonly as: Shape;
  /** The version of `meta.k8s.io` that `as` is of. */
  readonly asVersion: string;
}

const PROTOBUF = "application/vnd.kubernetes.protobuf";
export const CONTENT_TYPE: Readonly<Record<Format, string>> = { json: "application/json", yaml: "application/yaml", protobuf: PROTOBUF };
/** What comes behind `application/`. */
const SUBTYPES: Readonly<Record<Format, string>> = { json: "json", yaml: "yaml", protobuf: "vnd.kubernetes.protobuf" };
/** In the order in which a wildcard finds them. */
const FORMATS: readonly Format[] = ["json", "yaml", "protobuf"];
const SUPPORTED = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
const SUPPORTED_STREAMS = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
const META_VERSIONS = ["v1", "v1beta1"];
const CACHE_SIZE = 512;

const plainJson: Accepted = { format: "json", pretty: false, as: "", asVersion: "v1" };
const cache = new Map<string, Accepted | undefined>();

/**
 * @param accept the header; clients send few different ones, so results are kept
 * @param transforms whether `as` is understood here: on resources it is, in discovery and for errors not
 * @param messages whether it can be protobuf: custom resources have no messages
 * @param tables whether what is asked for can be a Table: some subresources cannot
 * @throws {StatusError} 406
 * @see apiserver pkg/endpoints/handlers/negotiation/negotiate.go
 */
export function negotiate(
  accept: string | undefined,
  { transforms = true, stream = false, collection = false, tables = true, messages = true } = {},
): Accepted {
  if (accept === undefined || accept === "") return plainJson;
  const key = `${transforms ? "t" : ""}${stream ? "s" : ""}${tables ? "" : "n"}${messages ? "" : "j"} ${accept}`;
  let result = cache.get(key);
  if (result === undefined && !cache.has(key)) {
    if (cache.size >= CACHE_SIZE) cache.clear();
    result = transforms && knowsNone(accept) ? undefined : choose(accept, { transforms, stream, tables, messages });
    cache.set(key, result);
  }
  if (result === undefined) throw knowsNone(accept) ? noRepresentation(collection) : notAcceptable(stream);
  return result;
}

/** Whether no clause is of a media type that the server has at all: that is told in other words. */
function knowsNone(accept: string): boolean {
  const known = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "*/*"];
  return parseAccept(accept).every(({ type, subtype }) => !known.includes(`${type}/${subtype}`));
}

function noRepresentation(collection: boolean): StatusError {
  const all = collection ? `${SUPPORTED}, ${SUPPORTED_STREAMS}` : SUPPORTED;
  return failure(406, "NotAcceptable", `406: Not Acceptable\n\nAvailable representations: ${all}`, {});
}

function notAcceptable(stream: boolean): StatusError {
  return failure(406, "NotAcceptable", `only the following media types are accepted: ${stream ? SUPPORTED_STREAMS : SUPPORTED}`);
}

interface Allowed {
  readonly transforms: boolean;
  readonly stream: boolean;
  readonly tables: boolean;
  readonly messages: boolean;
}

function choose(accept: string, { transforms, stream, tables, messages }: Allowed): Accepted | undefined {
  for (const clause of parseAccept(accept)) {
    for (const format of FORMATS) {
      if (stream && format === "yaml") continue;
      if (!matches(clause, format)) continue;
      const accepted = acceptedBy(clause, format, transforms);
      if (accepted === undefined || (!tables && accepted.as === "Table")) continue;
      if (messages || format !== "protobuf" || accepted.as !== "") return accepted;
    }
  }
  return undefined;
}

function matches({ type, subtype }: Clause, format: Format): boolean {
  return (type === "application" && (subtype === SUBTYPES[format] || subtype === "*")) || (type === "*" && subtype === "*");
}

function acceptedBy({ params }: Clause, format: Format, transforms: boolean): Accepted | undefined {
  const stream = params.get("stream") ?? "";
  if (stream !== "" && (stream !== "watch" || format === "yaml")) return undefined;
  if ((params.get("sv") ?? "") !== "") return undefined;
  const [as, group, version] = [params.get("as"), params.get("g"), params.get("v")];
  const pretty = params.get("pretty") === "1";
  if (as === undefined && group === undefined && version === undefined) return { format, pretty, as: "", asVersion: "v1" };
  if (!transforms || group !== "meta.k8s.io" || !META_VERSIONS.includes(version ?? "")) return undefined;
  if (as !== "Table" && as !== "PartialObjectMetadata" && as !== "PartialObjectMetadataList") return undefined;
  if (as === "Table" && format === "protobuf") return undefined; // it has no message
  return { format, pretty, as, asVersion: version! };
}

interface Clause {
  readonly type: string;
  readonly subtype: string;
  readonly quality: number;
  readonly params: ReadonlyMap<string, string>;
}

/** Clauses by falling quality; equal ones as they stand. */
export function parseAccept(header: string): Clause[] {
  const clauses: Clause[] = [];
  for (const part of header.split(",")) {
    const [media = "", ...rest] = part.split(";").map((piece) => piece.trim());
    const slash = media.indexOf("/");
    const [type, subtype] = slash < 0 ? [media, media === "*" ? "*" : ""] : [media.slice(0, slash), media.slice(slash + 1)];
    const params = new Map<string, string>();
    let quality = 1;
    for (const piece of rest) {
      const equals = piece.indexOf("=");
      if (equals < 0) continue;
      const [name, value] = [piece.slice(0, equals).trim(), piece.slice(equals + 1).trim()];
      if (name !== "q") params.set(name, value);
      else quality = Number.isNaN(Number(value)) ? 1 : Number(value);
    }
    clauses.push({ type, subtype, quality, params });
  }
  return clauses.sort((a, b) => b.quality - a.quality);
}

/** Whether the answer is to be indented: asked for, or the client is one that people look at. */
export function isPretty(query: URLSearchParams, userAgent: string): boolean {
  const asked = query.get("pretty");
  if (asked !== null && asked !== "") return ["1", "t", "T", "true", "TRUE", "True"].includes(asked);
  return userAgent.startsWith("curl") || userAgent.startsWith("Wget") || userAgent.startsWith("Mozilla/5.0");
}

/**
 * @param contentType the request's header; absent means JSON
 * @throws {StatusError} 415
 */
export function bodyFormat(contentType: string | undefined): Format {
  if (contentType === undefined || contentType === "") return "json";
  const media = mediaType(contentType);
  if (media === CONTENT_TYPE.json) return "json";
  if (media === CONTENT_TYPE.yaml) return "yaml";
  if (media === PROTOBUF) return "protobuf";
  throw unsupportedMediaType();
}

function unsupportedMediaType(): StatusError {
  return failure(415, "UnsupportedMediaType", `the body of the request was in an unknown format - accepted media types include: ${SUPPORTED}`);
}

/** The media type without its parameters, in lower case. */
export function mediaType(contentType: string): string {
  const semicolon = contentType.indexOf(";");
  return (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
}
