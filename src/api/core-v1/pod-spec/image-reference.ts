const ALPHANUMERIC = "[a-z0-9]+";
const SEPARATOR = "(?:[._]|__|[-]+)";
const PATH_PART = `${ALPHANUMERIC}(?:${SEPARATOR}${ALPHANUMERIC})*`;
const DOMAIN_PART = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const DOMAIN = `(?:${DOMAIN_PART}(?:\\.${DOMAIN_PART})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?`;
const NAME = `(?:${DOMAIN}/)?${PATH_PART}(?:/${PATH_PART})*`;
const TAG = "[\\w][\\w.-]{0,127}";
const DIGEST = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*[:][0-9a-fA-F]{32,}";
const REFERENCE = new RegExp(`^(${NAME})(?::(${TAG}))?(?:@(${DIGEST}))?$`);
const BARE_DIGEST = /^[a-f0-9]{64}$/;
const MAX_NAME_LENGTH = 255;

export interface ImageReference {
  /** With its registry's domain: `docker.io/library/nginx`. */
  readonly name: string;
  /** `latest` when the reference has neither tag nor digest. */
  readonly tag: string;
  readonly digest: string;
}

/**
 * Parses an image name as Docker does: no domain means docker.io, no path there means `library`.
 *
 * @returns `undefined` when it is not an image name
 */
export function parseImageReference(image: string): ImageReference | undefined {
  if (BARE_DIGEST.test(image)) return undefined;
  const familiar = withDomain(image);
  if (familiar === undefined) return undefined;
  const match = REFERENCE.exec(familiar);
  if (match === null) return undefined;
  const [, name = "", tag = "", digest = ""] = match;
  if (name.length > MAX_NAME_LENGTH || !isKnownDigest(digest)) return undefined;
  return { name, tag: tag === "" && digest === "" ? "latest" : tag, digest };
}

function withDomain(image: string): string | undefined {
  const slash = image.indexOf("/");
  const first = slash < 0 ? "" : image.slice(0, slash);
  const hasDomain = slash >= 0 && (first.includes(".") || first.includes(":") || first === "localhost" || first.toLowerCase() !== first);
  let domain = hasDomain ? first : "docker.io";
  let rest = hasDomain ? image.slice(slash + 1) : image;
  if (domain === "index.docker.io") domain = "docker.io";
  if (domain === "docker.io" && !rest.includes("/")) rest = `library/${rest}`;
  const path = rest.slice(0, endOfPath(rest));
  return path.toLowerCase() === path ? `${domain}/${rest}` : undefined;
}

function endOfPath(rest: string): number {
  const colon = rest.indexOf(":");
  const at = rest.indexOf("@");
  if (colon >= 0) return at >= 0 ? Math.min(colon, at) : colon;
  return at >= 0 ? at : rest.length;
}

const DIGEST_LENGTH: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

function isKnownDigest(digest: string): boolean {
  if (digest === "") return true;
  const colon = digest.indexOf(":");
  const hex = digest.slice(colon + 1);
  return DIGEST_LENGTH[digest.slice(0, colon)] === hex.length && hex.toLowerCase() === hex;
}

type PullPolicy = "Always" | "IfNotPresent";

/** Pods have the same few images. */
const policies = new Map<string, PullPolicy>();
const MAX_POLICIES = 1000;
/** A longer one is hardly an image's name. */
const MAX_REMEMBERED_LENGTH = 512;

/** What the image's tag asks for when nobody says: `latest` is pulled anew each time. */
export function defaultPullPolicy(image: string): PullPolicy {
  const known = policies.get(image);
  if (known !== undefined) return known;
  const policy = parseImageReference(image)?.tag === "latest" ? "Always" : "IfNotPresent";
  if (image.length > MAX_REMEMBERED_LENGTH) return policy;
  if (policies.size >= MAX_POLICIES) policies.clear();
  policies.set(image, policy);
  return policy;
}
