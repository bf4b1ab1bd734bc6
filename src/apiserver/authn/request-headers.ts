import { X509Certificate } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { DetailedPeerCertificate } from "node:tls";

import { AUTHENTICATED, type UserInfo } from "#apiserver/user.ts";

/** The headers in which a front proxy says for whom it asks; extension API servers are told the same ones. */
export const REMOTE_USER = "x-remote-user";
export const REMOTE_UID = "x-remote-uid";
export const REMOTE_GROUP = "x-remote-group";
export const REMOTE_EXTRA_PREFIX = "x-remote-extra-";

export interface RequestHeaderConfig {
  /** PEM of those who vouch for front proxies. */
  readonly ca: string;
  /** Names that their certificates may have. */
  readonly allowedNames: readonly string[];
}

/** Which clients are front proxies: their word on who asks is believed. */
export class RequestHeaders {
  readonly #config: () => RequestHeaderConfig | undefined;
  #pem = "";
  #roots: ReadonlySet<string> = new Set();

  /** @param config asked for each connection, as certificates are renewed; without one, nobody is a proxy */
  constructor(config: () => RequestHeaderConfig | undefined) {
    this.#config = config;
  }

  /** @param certificate one that TLS has verified; a stranger's is somebody else's to judge */
  judge(certificate: DetailedPeerCertificate): "proxy" | "refused" | "stranger" {
    const config = this.#config();
    if (config === undefined || !this.#rootsOf(config.ca).has(rootOf(certificate).fingerprint256)) return "stranger";
    return config.allowedNames.includes(certificate.subject.CN as string) ? "proxy" : "refused";
  }

  #rootsOf(pem: string): ReadonlySet<string> {
    if (pem !== this.#pem) {
      const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
      this.#roots = new Set(blocks.map((block) => new X509Certificate(block).fingerprint256));
      this.#pem = pem;
    }
    return this.#roots;
  }
}

function rootOf(certificate: DetailedPeerCertificate): DetailedPeerCertificate {
  let current = certificate;
  while (current.issuerCertificate !== undefined && current.issuerCertificate !== current) current = current.issuerCertificate;
  return current;
}

interface Headers {
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
}

/** Whom a proxy names; `undefined` when it names nobody. */
export function requestHeaderUser({ headers, rawHeaders }: Headers): UserInfo | undefined {
  const name = headers[REMOTE_USER];
  if (typeof name !== "string" || name === "") return undefined;
  const groups: string[] = [];
  const extra: Record<string, string[]> = {};
  // Node joins what comes several times, but a group's name may hold a comma.
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const key = rawHeaders[i]!.toLowerCase();
    const value = rawHeaders[i + 1]!;
    if (key === REMOTE_GROUP && value !== "") groups.push(value);
    else if (key.startsWith(REMOTE_EXTRA_PREFIX)) (extra[decoded(key.slice(REMOTE_EXTRA_PREFIX.length))] ??= []).push(value);
  }
  if (!groups.includes(AUTHENTICATED)) groups.push(AUTHENTICATED);
  const uid = headers[REMOTE_UID];
  return { name, uid: typeof uid === "string" ? uid : "", groups, extra };
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
