import type { TLSSocket } from "node:tls";

/** Who a client certificate says that the client is. */
export interface ClientIdentity {
  readonly user: string;
  readonly groups: readonly string[];
}

const ADMINS = "system:masters";

/** The owner of a certificate that the cluster's authority signed; `undefined` for anybody else. */
export function identityOf(socket: TLSSocket): ClientIdentity | undefined {
  if (!socket.authorized) return undefined;
  const { CN, O } = (socket.getPeerCertificate().subject ?? {}) as { CN?: string | string[]; O?: string | string[] };
  return { user: [CN ?? ""].flat()[0]!, groups: O === undefined ? [] : [O].flat() };
}

/** This API runs commands as root in containers: only the API server, which has asked its own rules, may use it. */
export const mayUse = ({ groups }: ClientIdentity): boolean => groups.includes(ADMINS);

const VERBS: Readonly<Record<string, string>> = { GET: "get", HEAD: "get", POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" };
const FINE_GRAINED: Readonly<Record<string, string>> = { "/pods": "pods", "/healthz": "healthz", "/configz": "configz" };

/** @see pkg/kubelet/server/server.go InstallAuthFilter */
export function forbiddenText({ user }: ClientIdentity, method: string, path: string): string {
  const finer = FINE_GRAINED[path];
  const subresources = finer !== undefined ? `${finer} proxy` : path.startsWith("/stats/") ? "stats" : "proxy";
  return `Forbidden (user=${user}, verb=${VERBS[method] ?? "create"}, resource=nodes, subresource(s)=[${subresources}])\n`;
}
