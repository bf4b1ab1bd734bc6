import type { PeerCertificate, TLSSocket } from "node:tls";

import { type RequestHeaders, requestHeaderUser } from "#apiserver/authn/request-headers.ts";
import { AUTHENTICATED } from "#apiserver/user.ts";
import type { UserInfo } from "#apiserver/user.ts";

/** Finds out who sent a bearer token; `undefined` when it is not one of ours, or not good any more. */
export interface TokenAuthenticator {
  authenticate(token: string): Promise<UserInfo | undefined> | UserInfo | undefined;
}

/** Whose token it is, and for which of the audiences that were asked. */
export interface TokenReviewed {
  readonly user: UserInfo;
  readonly audiences: readonly string[];
}

export interface TokenRefused {
  /** Absent when the token is none of the kind at all. */
  readonly why?: string;
}

/** Says more of a token than whose it is, for TokenReview. */
export interface TokenReviewer extends TokenAuthenticator {
  authenticate(token: string): UserInfo | undefined;
  review(token: string, audiences: readonly string[]): TokenReviewed | TokenRefused;
}

/** Several kinds of tokens, each asked until one knows whose it is. */
export class TokenAuthenticators implements TokenReviewer {
  readonly #kinds: readonly TokenReviewer[];

  constructor(...kinds: readonly TokenReviewer[]) {
    this.#kinds = kinds;
  }

  authenticate(token: string): UserInfo | undefined {
    for (const kind of this.#kinds) {
      const user = kind.authenticate(token);
      if (user !== undefined) return user;
    }
    return undefined;
  }

  review(token: string, audiences: readonly string[]): TokenReviewed | TokenRefused {
    let refused: TokenRefused = {};
    for (const kind of this.#kinds) {
      const found = kind.review(token, audiences);
      if ("user" in found) return found;
      if (found.why !== undefined) refused = found;
    }
    return refused;
  }
}

/** What a request shows to be recognised by. */
export interface Credentials {
  /** The connection; its certificate is only believed when TLS has verified it. */
  readonly socket: TLSSocket;
  readonly authorization: string | undefined;
  /** Only a front proxy's is looked at. */
  readonly request: Parameters<typeof requestHeaderUser>[0];
}

type Found = UserInfo | "invalid" | undefined;
/** What a connection's certificate says: whose it is, that it is a front proxy's, or that nobody vouches for it. */
type ByCertificate = UserInfo | "none" | "front proxy" | "refused";

/**
 * A front proxy's word first, then client certificate, then bearer token.
 *
 * @returns the user; `undefined` for who shows nothing; `"invalid"` for who shows what does not hold
 */
export class Authenticator {
  readonly #tokens: TokenAuthenticator | undefined;
  readonly #requestHeaders: RequestHeaders | undefined;
  readonly #byConnection = new WeakMap<TLSSocket, ByCertificate>();

  constructor(tokens?: TokenAuthenticator, requestHeaders?: RequestHeaders) {
    this.#tokens = tokens;
    this.#requestHeaders = requestHeaders;
  }

  authenticate(credentials: Credentials): Promise<Found> | Found {
    const certificate = this.#certificate(credentials.socket);
    if (typeof certificate === "object") return certificate;
    if (certificate === "front proxy") {
      const named = requestHeaderUser(credentials.request);
      if (named !== undefined) return named;
    }
    const token = bearerToken(credentials.authorization);
    // A certificate that is no good is forgiven who has a token, and nobody else.
    if (token === undefined) return certificate === "none" ? undefined : "invalid";
    const found = this.#tokens?.authenticate(token);
    if (found instanceof Promise) return found.then((user) => user ?? "invalid");
    return found ?? "invalid";
  }

  #certificate(socket: TLSSocket): ByCertificate {
    let known = this.#byConnection.get(socket);
    if (known === undefined) this.#byConnection.set(socket, (known = this.#look(socket)));
    return known;
  }

  #look(socket: TLSSocket): ByCertificate {
    if (!socket.authorized) return Object.keys(socket.getPeerCertificate() ?? {}).length === 0 ? "none" : "refused";
    const proxies = this.#requestHeaders;
    if (proxies === undefined) return certificateUser(socket.getPeerCertificate()) ?? "none";
    const certificate = socket.getPeerCertificate(true);
    const proxy = proxies.judge(certificate);
    if (proxy === "stranger") return certificateUser(certificate) ?? "none";
    return proxy === "proxy" ? "front proxy" : "refused";
  }
}

/** The subject's CN is the name, its O's are the groups. */
export function certificateUser({ subject, fingerprint256 }: PeerCertificate): UserInfo | undefined {
  const name = single(subject?.CN);
  if (name === undefined || name === "") return undefined;
  const organizations = subject?.O as string | readonly string[] | undefined;
  const groups = organizations === undefined ? [] : typeof organizations === "string" ? [organizations] : organizations;
  const fingerprint = (fingerprint256 ?? "").replaceAll(":", "").toLowerCase();
  const extra: Record<string, readonly string[]> = fingerprint === "" ? {} : { "authentication.kubernetes.io/credential-id": [`X509SHA256=${fingerprint}`] };
  return { name, uid: "", groups: [...groups, AUTHENTICATED], extra };
}

function single(value: unknown): string | undefined {
  return typeof value === "string" ? value : Array.isArray(value) ? String(value.at(-1)) : undefined;
}

export function bearerToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.length < 8) return undefined;
  const space = authorization.indexOf(" ");
  if (space < 0 || authorization.slice(0, space).toLowerCase() !== "bearer") return undefined;
  const token = authorization.slice(space + 1).trim();
  return token === "" ? undefined : token;
}
