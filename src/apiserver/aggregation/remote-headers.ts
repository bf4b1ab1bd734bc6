import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

import { REMOTE_EXTRA_PREFIX, REMOTE_GROUP, REMOTE_UID, REMOTE_USER } from "#apiserver/authn/request-headers.ts";
import { forwardedHeaders } from "#apiserver/streaming/tunnel.ts";
import type { UserInfo } from "#apiserver/user.ts";

export interface Forwarding {
  readonly user: UserInfo;
  readonly authority: string;
  readonly path: string;
  readonly auditId: string;
  /** Where the client is. */
  readonly from: string;
  readonly upgrade?: boolean;
}

/** A request's headers for an extension server: for whom we ask is ours to say, whatever the client wrote there. */
export function remoteHeaders(headers: IncomingHttpHeaders, { user, authority, path, auditId, from, upgrade = false }: Forwarding): OutgoingHttpHeaders {
  const forwarded = forwardedHeaders(headers, authority, { upgrade });
  for (const name of Object.keys(forwarded)) if (isIdentity(name)) delete forwarded[name];
  const hops = headers["x-forwarded-for"];
  return {
    ...forwarded,
    ...identityHeaders(user),
    ...(auditId !== "" && { "audit-id": auditId }),
    ...(from !== "" && { "x-forwarded-for": hops === undefined ? from : `${String(hops)}, ${from}` }),
    ...(!upgrade && { "x-forwarded-uri": path, "x-forwarded-host": authority, "x-forwarded-proto": "https" }),
  };
}

const isIdentity = (name: string) => name === REMOTE_USER || name === REMOTE_UID || name === REMOTE_GROUP || name.startsWith(REMOTE_EXTRA_PREFIX);

/** @see kubernetes client-go transport/round_trippers.go SetAuthProxyHeaders */
export function identityHeaders({ name, uid, groups, extra }: UserInfo): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { "X-Remote-User": headerText(name) };
  if (uid !== "") headers["X-Remote-Uid"] = headerText(uid);
  if (groups.length > 0) headers["X-Remote-Group"] = groups.map(headerText);
  for (const [key, values] of Object.entries(extra)) headers[`X-Remote-Extra-${escapedKey(key)}`] = values.map(headerText);
  return headers;
}

/** Header text is bytes; what is no Latin letter goes as UTF-8. */
const headerText = (text: string): string => Buffer.from(text).toString("latin1");

/** What may not stand in a header's name is written as in URLs. */
function escapedKey(key: string): string {
  return Array.from(Buffer.from(key), (byte) => {
    const char = String.fromCharCode(byte);
    return /[!#$&'*+\-.^_`|~0-9A-Za-z]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}
