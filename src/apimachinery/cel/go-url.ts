/** A URL as Go's net/url takes it apart. */
export interface GoUrl {
  readonly scheme: string;
  readonly opaque: string;
  readonly userInfo: string;
  /** With brackets and port, escapes resolved. */
  readonly host: string;
  readonly escapedPath: string;
  readonly query: string;
}

/** Why a text is no URL, in Go's words. */
export class UrlError extends Error {}

const UNRESERVED = "A-Za-z0-9\\-_.~";
const HOST = new RegExp(`[^${UNRESERVED}!$&'()*+,;=:[\\]<>"%\\u0080-\\u{10ffff}]`, "u");
const PATH_KEPT = new RegExp(`^[${UNRESERVED}!$&'()*+,;=:@/[\\]%]*$`);

/**
 * A URL of a request: absolute, or a path. Has no fragment.
 *
 * @throws {UrlError}
 */
export function parseRequestUrl(text: string): GoUrl {
  return named(text, () => parse(text, true));
}

/** Any reference, whose fragment is left out. @throws {UrlError} */
export function parseUrl(text: string): GoUrl {
  const [reference = ""] = text.split("#", 1);
  return named(reference, () => parse(reference, false));
}

function named(text: string, run: () => GoUrl): GoUrl {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof UrlError)) throw error;
    throw new UrlError(`parse ${JSON.stringify(text)}: ${error.message}`);
  }
}

function parse(text: string, isRequest: boolean): GoUrl {
  if (/\p{Cc}/u.test(text.replaceAll(/[\u0080-\u009f]/g, ""))) throw new UrlError("net/url: invalid control character in URL");
  if (text === "" && isRequest) throw new UrlError("empty url");
  const empty = { scheme: "", opaque: "", userInfo: "", host: "", escapedPath: "", query: "" };
  if (text === "*") return { ...empty, escapedPath: "*" };
  if (text.startsWith(":")) throw new UrlError("missing protocol scheme");
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1] ?? "";
  const [beforeQuery, query] = cut(scheme === "" ? text : text.slice(scheme.length + 1), "?");
  const base = { ...empty, scheme: scheme.toLowerCase(), query };
  if (!beforeQuery.startsWith("/")) {
    if (scheme !== "") return { ...base, opaque: beforeQuery };
    if (isRequest) throw new UrlError("invalid URI for request");
    if (beforeQuery.split("/", 1)[0]!.includes(":")) throw new UrlError("first path segment in URL cannot contain colon");
  }
  const hasAuthority = (scheme !== "" || (!isRequest && !beforeQuery.startsWith("///"))) && beforeQuery.startsWith("//");
  if (!hasAuthority) return { ...base, escapedPath: escapedPath(beforeQuery) };
  const slash = beforeQuery.indexOf("/", 2);
  const authority = beforeQuery.slice(2, slash === -1 ? undefined : slash);
  return { ...base, ...parseAuthority(authority), escapedPath: escapedPath(slash === -1 ? "" : beforeQuery.slice(slash)) };
}

function cut(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  return index === -1 ? [text, ""] : [text.slice(0, index), text.slice(index + 1)];
}

function parseAuthority(authority: string): { readonly userInfo: string; readonly host: string } {
  const at = authority.lastIndexOf("@");
  const host = parseHost(authority.slice(at + 1));
  const userInfo = at === -1 ? "" : authority.slice(0, at);
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(userInfo)) throw new UrlError("net/url: invalid userinfo");
  checkEscapes(userInfo);
  return { userInfo, host };
}

function parseHost(host: string): string {
  if (host.startsWith("[")) {
    const end = host.lastIndexOf("]");
    if (end === -1) throw new UrlError("missing ']' in host");
    checkPort(host.slice(end + 1));
  } else if (host.includes(":")) checkPort(host.slice(host.lastIndexOf(":")));
  const bad = HOST.exec(host)?.[0];
  if (bad !== undefined) throw new UrlError(`invalid character ${JSON.stringify(bad)} in host name`);
  checkEscapes(host);
  const ascii = /%[0-7][0-9a-fA-F]/.exec(host.replaceAll("%25", ""))?.[0];
  if (ascii !== undefined) throw new UrlError(`invalid URL escape ${JSON.stringify(ascii)}`);
  return unescaped(host);
}

function checkPort(port: string): void {
  if (port !== "" && !/^:\d*$/.test(port)) throw new UrlError(`invalid port ${JSON.stringify(port)} after host`);
}

function checkEscapes(text: string): void {
  const bad = /%(?![0-9a-fA-F]{2})[^]{0,2}/.exec(text)?.[0];
  if (bad !== undefined) throw new UrlError(`invalid URL escape ${JSON.stringify(bad)}`);
}

function unescaped(text: string): string {
  if (!text.includes("%")) return text;
  return Buffer.from(
    [...text.matchAll(/%([0-9a-fA-F]{2})|[^%]+/g)].flatMap(([part, hex]) => (hex === undefined ? [...Buffer.from(part)] : [Number.parseInt(hex, 16)])),
  ).toString();
}

/** The path as it came if it may be written so, else escaped anew. */
function escapedPath(path: string): string {
  checkEscapes(path);
  if (PATH_KEPT.test(path)) return path;
  const kept = new RegExp(`[${UNRESERVED}$&+,/:;=@]`);
  return [...Buffer.from(unescaped(path))]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return byte < 0x80 && kept.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}

export function hostName({ host }: GoUrl): string {
  const bare = host.replace(/:\d*$/, "");
  return /^\[.*\]$/.test(bare) ? bare.slice(1, -1) : bare;
}

export function portOf({ host }: GoUrl): string {
  return /(?:^[^[]*|\]):(\d*)$/.exec(host)?.[1] ?? "";
}

/** Values by name, in the order of their first occurrence; what cannot be read is left out. */
export function queryOf({ query }: GoUrl): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const pair of query.split("&")) {
    if (pair === "" || pair.includes(";") || /%(?![0-9a-fA-F]{2})/.test(pair)) continue;
    const [name, value] = cut(pair, "=").map((each) => unescaped(each.replaceAll("+", " "))) as [string, string];
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  return values;
}
