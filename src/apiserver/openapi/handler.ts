import { createHash } from "node:crypto";

import { apiVersionOf, type ResourceInfo } from "#api/resources.ts";
import { groupsOf } from "#apiserver/discovery/documents.ts";
import { listed, type PlainHandler, type PlainRequest, type PlainResponse } from "#apiserver/http/plain.ts";
import { customDefinitions } from "#apiserver/openapi/custom.ts";
import { documentToProtobuf } from "#apiserver/openapi/document-protobuf.ts";
import { groupVersionDocument, plainDocument } from "#apiserver/openapi/document.ts";
import { groupVersionTitle } from "#apiserver/openapi/operations.ts";
import { type DocumentV3, type Swagger, swaggerOf } from "#apiserver/openapi/swagger.ts";
import { swaggerToProtobuf } from "#apiserver/openapi/swagger-protobuf.ts";

export interface OpenApiDeps {
  /** The kinds that are served now. */
  readonly kinds: () => readonly ResourceInfo[];
  /** `v1.35.6`: in the documents, and in the hashes by which clients keep them. */
  readonly release: string;
  readonly remotes?: RemoteDocuments | undefined;
}

/** What other servers say of their group versions. */
export interface RemoteDocuments {
  /** Of OpenAPI v3, by their path: `apis/metrics.example.com/v1`. */
  readonly documents: readonly { readonly path: string; readonly hash: string }[];
  /** Whether there is anybody to ask. */
  readonly hasRemotes: boolean;
  document(path: string, request: PlainRequest): Promise<PlainResponse | undefined>;
  /** Of OpenAPI v2, without what other group versions need. */
  swaggers(): Promise<readonly Swagger[]>;
}

const ROOT = "/openapi/v3";
const V2 = "/openapi/v2";
const PROTOBUF_V3 = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf";
const PROTOBUF_V2 = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
const YEAR_SECONDS = 365 * 24 * 3600;

interface Entry {
  readonly hash: string;
  make(): object;
  body?: Buffer;
}

/**
 * Answers `/openapi/v3` and `/openapi/v2`. A document is made when it is first asked for, and kept; its hash is known before, so that
 * the index costs next to nothing: it stands for what the document is made from.
 */
export function openApiHandler({ kinds, release, remotes }: OpenApiDeps): PlainHandler {
  let state = entriesOf(kinds(), release);
  const handler: PlainHandler = (request) => {
    if (request.path !== V2 && request.path !== ROOT && !request.path.startsWith(`${ROOT}/`)) return undefined;
    const served = kinds();
    if (served !== state.kinds) state = entriesOf(served, release);
    const foreign = remotes?.documents ?? [];
    if (request.path === V2) return remotes?.hasRemotes === true ? mergedAnswer(request, state, release, remotes) : swaggerAnswer(request, state, release);
    const name = request.path.slice(ROOT.length + 1);
    if (name === "") return index(state.entries, foreign);
    if (foreign.some(({ path }) => path === name)) return remotes!.document(name, request);
    const entry = state.entries.get(name);
    return entry === undefined ? { status: 404, headers: {}, body: "" } : documentAnswer(request, entry);
  };
  return listed(handler, () => [V2, ROOT, `${ROOT}/`]);
}

function index(entries: ReadonlyMap<string, Entry>, foreign: RemoteDocuments["documents"]): PlainResponse {
  const hashes = new Map([...entries].map(([name, { hash }]) => [name, hash]));
  for (const { path, hash } of foreign) hashes.set(path, hash);
  const paths = Object.fromEntries([...hashes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, hash]) => [name, { serverRelativeURL: urlOf(name, hash) }]));
  return { status: 200, headers: { "content-type": "text/plain; charset=utf-8" }, body: JSON.stringify({ paths }) };
}

const urlOf = (name: string, hash: string) => `${ROOT}/${name}${hash === "" ? "" : `?hash=${hash}`}`;

function documentAnswer({ headers: asked, query, path }: PlainRequest, entry: Entry): PlainResponse {
  const type = acceptedType(String(asked["accept"] ?? ""), PROTOBUF_V3);
  if (type === undefined) return { status: 406, headers: {}, body: "" };
  const hash = query.get("hash");
  if (hash !== null && hash !== "" && hash !== entry.hash) return { status: 301, headers: { location: `${path}?hash=${entry.hash}` }, body: "" };
  const etag = `"${entry.hash}"`;
  const headers = { etag, vary: "Accept", "cache-control": hash === entry.hash ? `public, immutable, max-age=${YEAR_SECONDS}` : "no-cache, private" };
  if (asked["if-none-match"] === etag) return { status: 304, headers, body: "" };
  if (type === PROTOBUF_V3) return { status: 200, headers: { ...headers, "content-type": type }, body: documentToProtobuf(entry.make()) };
  entry.body ??= Buffer.from(JSON.stringify(entry.make()));
  return { status: 200, headers: { ...headers, "content-type": type }, body: entry.body };
}

/** The one document of OpenAPI v2. It is not kept as an object: only old clients ask, and each once. */
function swaggerAnswer({ headers: asked }: PlainRequest, state: State, release: string): PlainResponse {
  const type = acceptedType(String(asked["accept"] ?? ""), PROTOBUF_V2);
  if (type === undefined) return { status: 406, headers: { vary: "Accept" }, body: "" };
  const hash = createHash("sha512");
  for (const entry of state.entries.values()) hash.update(entry.hash);
  const etag = `"${hash.digest("hex").toUpperCase()}"`;
  const headers = { etag, vary: "Accept", "cache-control": "no-cache, private" };
  if (asked["if-none-match"] === etag) return { status: 304, headers, body: "" };
  let body = state.swagger.get(type);
  if (body === undefined) state.swagger.set(type, (body = encodedSwagger(ownSwagger(state, release), type)));
  return { status: 200, headers: { ...headers, "content-type": type }, body };
}

const encodedSwagger = (swagger: Swagger, type: string) => (type === PROTOBUF_V2 ? swaggerToProtobuf(swagger) : Buffer.from(JSON.stringify(swagger)));

const ownSwagger = ({ entries, kinds }: State, release: string): Swagger =>
  swaggerOf(
    Array.from(entries.values(), (entry) => entry.make() as DocumentV3),
    customDefinitions(kinds),
    release,
  );

/** With what extension servers say; they are asked each time whether it is still so. */
async function mergedAnswer({ headers: asked }: PlainRequest, state: State, release: string, remotes: RemoteDocuments): Promise<PlainResponse> {
  const type = acceptedType(String(asked["accept"] ?? ""), PROTOBUF_V2);
  if (type === undefined) return { status: 406, headers: { vary: "Accept" }, body: "" };
  const { mergedSwagger } = await import("#apiserver/openapi/swagger-merge.ts");
  const body = encodedSwagger(mergedSwagger(ownSwagger(state, release), await remotes.swaggers()), type);
  const etag = `"${createHash("sha512").update(body).digest("hex").toUpperCase()}"`;
  const headers = { etag, vary: "Accept", "cache-control": "no-cache, private" };
  if (asked["if-none-match"] === etag) return { status: 304, headers, body: "" };
  return { status: 200, headers: { ...headers, "content-type": type }, body };
}

/** The first acceptable type in the client's order. */
function acceptedType(accept: string, protobuf: string): string | undefined {
  const quality = (clause: string) => Number(/;\s*q=([\d.]+)/.exec(clause)?.[1] ?? 1);
  const clauses = (accept === "" ? "*/*" : accept).split(",").sort((a, b) => quality(b) - quality(a));
  for (const clause of clauses) {
    const media = clause.split(";", 1)[0]!.trim().toLowerCase();
    if (["application/json", "application/*", "*/*", "*"].includes(media)) return "application/json";
    // Older clients write an @ where a media type must not have one.
    if (media.replace("@", ".") === protobuf) return protobuf;
  }
  return undefined;
}

type State = ReturnType<typeof entriesOf>;

function entriesOf(kinds: readonly ResourceInfo[], release: string) {
  const entries = new Map<string, Entry>();
  const add = (name: string, of: unknown, make: () => object) => {
    const hash = createHash("sha512")
      .update(JSON.stringify([release, name, of]))
      .digest("hex")
      .toUpperCase();
    entries.set(name, { hash, make });
  };
  const plain = (name: string, id: string, typeKey?: string) => add(name, typeKey, () => plainDocument(`/${name}/`, id, typeKey, release));
  plain("api", "getCoreAPIVersions", "meta/v1.APIVersions");
  plain("apis", "getAPIVersions", "meta/v1.APIGroupList");
  plain("version", "getCodeVersion", "version.Info");
  plain(".well-known/openid-configuration", "getServiceAccountIssuerOpenIDConfiguration");
  plain("openid/v1/jwks", "getServiceAccountIssuerOpenIDKeyset");
  for (const [group, versions] of groupsOf(kinds)) {
    if (group !== "") plain(`apis/${group}`, `get${groupVersionTitle(group, "")}APIGroup`, "meta/v1.APIGroup");
    for (const version of versions) {
      const own = kinds.filter((kind) => kind.group === group && kind.version === version);
      add(`${group === "" ? "api" : "apis"}/${apiVersionOf({ group, version })}`, own, () => groupVersionDocument(kinds, { group, version }, release));
    }
  }
  return { kinds, entries: new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1))), swagger: new Map<string, Uint8Array>() };
}
