import { failure } from "#apimachinery/status-error.ts";
import type { JwtKey } from "#apiserver/authn/jwt.ts";
import { parseAccept } from "#apiserver/http/negotiation.ts";
import { listed, type PlainHandler, type PlainRequest, type PlainResponse } from "#apiserver/http/plain.ts";

export interface IssuerDocuments {
  readonly key: JwtKey;
  readonly issuer: string;
  /** `host:port` where verifiers fetch the key. */
  readonly serverAddress: string;
}

const CONFIGURATION = "/.well-known/openid-configuration";
const KEYS = "/openid/v1/jwks";

/** What verifiers of service accounts' tokens ask for: who issues them, and the key. */
export function openIdHandler({ key, issuer, serverAddress }: IssuerDocuments): PlainHandler {
  const configuration = {
    issuer,
    jwks_uri: `https://${serverAddress}${KEYS}`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
  };
  const handler: PlainHandler = (request) => {
    if (request.path === CONFIGURATION) return document(request, "json", configuration);
    return request.path === KEYS ? document(request, "jwk-set+json", { keys: [key.publicJwk()] }) : undefined;
  };
  return listed(handler, () => [CONFIGURATION, KEYS]);
}

function document({ method, headers }: PlainRequest, subtype: string, value: object): PlainResponse {
  if (method !== "GET") throw failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});
  const accept = String(headers["accept"] ?? "");
  const fits = ({ type, subtype: asked }: { readonly type: string; readonly subtype: string }) => type === "*" || (type === "application" && asked === subtype);
  if (accept !== "" && !parseAccept(accept).some(fits)) {
    throw failure(406, "NotAcceptable", `406: Not Acceptable\n\nAvailable representations: application/${subtype}`, {});
  }
  return { status: 200, headers: { "content-type": `application/${subtype}`, "cache-control": "public, max-age=3600" }, body: JSON.stringify(value) };
}
