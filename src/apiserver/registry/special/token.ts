import type { TokenRequest } from "#api/authentication-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";
import { NODES, PODS, SECRETS, SERVICE_ACCOUNTS } from "#api/builtin.ts";
import type { Pod, ServiceAccount } from "#api/core-v1/types.ts";
import { FieldPath, fieldError } from "#apimachinery/field-error.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import type { JwtKey, TokenClaims } from "#apiserver/authn/jwt.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import type { SubresourceHandler, SubresourceWrite } from "#apiserver/registry/subresource.ts";
import { formatTime } from "#lib/clock.ts";

export interface TokenIssuer {
  readonly key: JwtKey;
  readonly issuer: string;
  /** For requests that name no audience. */
  readonly audiences: readonly string[];
}

const MIN_SECONDS = 600;
const MAX_SECONDS = 2 ** 32;
const DEFAULT_SECONDS = 3600;
/** What the token that pods are given by default asks for; kept alive for a year, with a warning after the hour. */
const POD_DEFAULT_SECONDS = 3607;
const EXTENDED_SECONDS = 365 * 24 * 3600;
const KIND = { group: "authentication.k8s.io", kind: "TokenRequest" };

/** `serviceaccounts/token` */
export function tokenHandler(deps: RegistryDeps, reader: ObjectReader, issuer: TokenIssuer): SubresourceHandler {
  return {
    group: "",
    plural: "serviceaccounts",
    subresource: "token",
    strategy: { applyDefaults: (object) => void ((object as Mutable<TokenRequest>).spec.expirationSeconds ??= DEFAULT_SECONDS) },
    create: (request) => Promise.resolve(issue(deps, reader, issuer, request)),
  };
}

function issue(deps: RegistryDeps, reader: ObjectReader, issuer: TokenIssuer, { namespace, name, body }: SubresourceWrite): object {
  const request = body as unknown as TokenRequest;
  const account = reader.lookup(SERVICE_ACCOUNTS, namespace, name);
  if (account === undefined) throw statusError.notFound({ group: "", resource: "serviceaccounts" }, name);
  checkNames(request, namespace, name);
  const { spec } = request;
  const expirationSeconds = spec?.expirationSeconds ?? DEFAULT_SECONDS;
  checkSpan(request, expirationSeconds);
  const bound = (spec?.boundObjectRef ?? undefined) === undefined ? undefined : boundObject(reader, account, spec!.boundObjectRef!);
  const audiences = (spec?.audiences?.length ?? 0) > 0 ? spec!.audiences! : issuer.audiences;
  const nowS = Math.floor(deps.clock.now() / 1000);
  const extended = bound?.kind === "pod" && expirationSeconds === POD_DEFAULT_SECONDS;
  const exp = nowS + (extended ? EXTENDED_SECONDS : expirationSeconds);
  const claims: TokenClaims = {
    aud: audiences,
    exp,
    iat: nowS,
    iss: issuer.issuer,
    jti: deps.newUid(),
    "kubernetes.io": {
      namespace,
      ...bound?.claims,
      serviceaccount: { name, uid: account.metadata.uid },
      ...(extended && { warnafter: nowS + expirationSeconds }),
    },
    nbf: nowS,
    sub: `system:serviceaccount:${namespace}:${name}`,
  };
  return {
    ...request,
    metadata: { ...request.metadata, name, namespace, uid: deps.newUid(), creationTimestamp: formatTime(deps.clock.now()) },
    spec: { audiences, expirationSeconds: exp - nowS, boundObjectRef: spec?.boundObjectRef ?? null },
    status: { token: issuer.key.sign(claims), expirationTimestamp: formatTime((nowS + expirationSeconds) * 1000) },
  };
}

function checkNames({ metadata }: TokenRequest, namespace: string, name: string): void {
  const { name: own = "", namespace: within = "" } = metadata ?? {};
  if (within !== "" && within !== namespace)
    throw statusError.badRequest("the namespace of the provided object does not match the namespace sent on the request");
  if (own !== "" && own !== name) {
    throw statusError.invalid(KIND, name, [fieldError.invalid(new FieldPath("metadata.name"), own, "must match the service account name if specified")]);
  }
}

function checkSpan({ metadata }: TokenRequest, seconds: number): void {
  const path = new FieldPath("spec.expirationSeconds");
  if (seconds < MIN_SECONDS)
    throw statusError.invalid(KIND, metadata?.name ?? "", [fieldError.invalid(path, seconds, "may not specify a duration less than 10 minutes")]);
  if (seconds > MAX_SECONDS)
    throw statusError.invalid(KIND, metadata?.name ?? "", [fieldError.invalid(path, seconds, "may not specify a duration larger than 2^32 seconds")]);
}

type BoundRef = NonNullable<NonNullable<TokenRequest["spec"]>["boundObjectRef"]>;

interface Bound {
  readonly kind: "pod" | "secret" | "node";
  readonly claims: Partial<TokenClaims["kubernetes.io"]>;
}

/** The object that the token lives and dies with. */
function boundObject(reader: ObjectReader, account: ServiceAccount, { kind = "", apiVersion = "", name = "", uid = "" }: BoundRef): Bound {
  const { namespace = "" } = account.metadata;
  if (kind === "Pod") {
    const pod = existing(reader.lookup(PODS, namespace, name), "pods", "Pod", name, uid);
    checkPodAccount(pod, account);
    return { kind: "pod", claims: { ...nodeClaim(reader, pod), pod: { name, uid: pod.metadata.uid } } };
  }
  if (kind === "Secret") {
    const secret = existing(reader.lookup(SECRETS, namespace, name), "secrets", "Secret", name, uid);
    return { kind: "secret", claims: { secret: { name, uid: secret.metadata.uid } } };
  }
  if (kind === "Node") {
    const node = existing(reader.lookup(NODES, "", name), "nodes", "Node", name, uid);
    return { kind: "node", claims: { node: { name, uid: node.metadata.uid } } };
  }
  const slash = apiVersion.indexOf("/");
  const [group, version] = slash < 0 ? ["", apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
  throw statusError.badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${kind}`);
}

function existing<T extends KubeObject>(object: T | undefined, plural: string, kind: string, name: string, uid: string): T {
  if (object === undefined) throw statusError.notFound({ group: "", resource: plural }, name);
  if (uid === "" || uid === object.metadata.uid) return object;
  const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
  throw statusError.conflict({ group: "", resource: kind }, name, why);
}

function checkPodAccount({ spec }: Pod, { metadata }: ServiceAccount): void {
  if (spec?.serviceAccountName === metadata.name) return;
  throw statusError.badRequest(`cannot bind token for serviceaccount ${JSON.stringify(metadata.name)} to pod running with different serviceaccount name.`);
}

function nodeClaim(reader: ObjectReader, { spec }: Pod): { node?: { name: string; uid?: string } } {
  const { nodeName = "" } = spec ?? {};
  if (nodeName === "") return {};
  const node = reader.lookup(NODES, "", nodeName);
  return { node: { name: nodeName, ...(node !== undefined && { uid: node.metadata.uid }) } };
}
