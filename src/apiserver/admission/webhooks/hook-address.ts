import { SERVICES } from "#api/builtin.ts";
import type { WebhookClientConfig } from "#api/admissionregistration-v1/types.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";

/** Where a webhook is found, and under which name it has to show itself. */
export interface HookAddress {
  /** As errors show it: `https://hook.ns.svc:443/path`. */
  readonly url: string;
  /** What the `Host` header says. */
  readonly authority: string;
  /** The name that the certificate must have. */
  readonly serverName: string;
  readonly path: string;
  readonly port: number;
  /** Name or address to connect to; @throws {Error} in upstream's words when a service has none */
  host(): string;
}

const HTTPS_PORT = 443;

/** A configuration by which no webhook can be asked. */
export class NoHookClient extends Error {
  override readonly name = "NoHookClient";

  constructor(why: string) {
    super(`could not get REST client: ${why}`);
  }
}

/** By its name: a file of the bundle that loads on demand has a class of its own. */
export const isNoHookClient = (error: unknown): error is NoHookClient => error instanceof Error && error.name === "NoHookClient";

/** @throws {NoHookClient} for a configuration that says neither */
export function hookAddress({ url, service }: WebhookClientConfig, reader: ObjectReader): HookAddress {
  if (service !== undefined) {
    const { name, namespace, path = "/", port = HTTPS_PORT } = service;
    const serverName = `${name}.${namespace}.svc`;
    const authority = `${serverName}:${port}`;
    return { url: `https://${authority}${path}`, authority, serverName, path, port, host: () => serviceHost(reader, namespace, name, port) };
  }
  if (url === undefined) throw new NoHookClient("webhook configuration must have either service or URL");
  const { host: authority, hostname, port, pathname: path } = new URL(url);
  const serverName = hostname.replace(/^\[(.*)\]$/, "$1");
  return { url: `https://${authority}${path}`, authority, serverName, path, port: Number(port) || HTTPS_PORT, host: () => serverName };
}

/** A service is reached through the cluster network, by its own address. @see kubernetes staging/src/k8s.io/apiserver/pkg/util/proxy/proxy.go ResolveCluster */
export function serviceHost(reader: ObjectReader, namespace: string, name: string, port: number): string {
  const service = reader.lookup(SERVICES, namespace, name);
  if (service === undefined) throw new Error(`service ${JSON.stringify(name)} not found`);
  const { type = "ClusterIP", clusterIP = "", externalName = "", ports = [] } = service.spec ?? {};
  if (type === "ExternalName") return externalName;
  if (clusterIP === "None") throw new Error('cannot route to service with ClusterIP "None"');
  if (!ports.some((each) => each.port === port)) throw new Error(`no service port ${port} found for service ${JSON.stringify(name)}`);
  return clusterIP;
}
