import { isIP } from "node:net";

import { parse } from "yaml";

/** registries.yaml, as k3s reads it; `rewrite` is left out, as it needs a containerd of k3s' own. */
export interface Registries {
  readonly mirrors?: Readonly<Record<string, { readonly endpoint?: readonly string[] }>>;
  readonly configs?: Readonly<Record<string, RegistryConfig>>;
}

interface RegistryConfig {
  readonly auth?: { readonly username?: string; readonly password?: string; readonly auth?: string; readonly identity_token?: string };
  readonly tls?: { readonly cert_file?: string; readonly key_file?: string; readonly ca_file?: string; readonly insecure_skip_verify?: boolean };
}

/** @throws {Error} when the text is not YAML, or not an object of mirrors and configs */
export function parseRegistries(text: string): Registries {
  const value: unknown = parse(text) ?? {};
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("registries.yaml must be a map with mirrors and configs");
  return value as Registries;
}

/** A hosts.toml by registry, `_default` for the mirror of all. */
export function hostsFiles({ mirrors = {}, configs = {} }: Registries): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const name of new Set([...Object.keys(mirrors), ...Object.keys(configs)])) {
    const endpoints = mirrors[name]?.endpoint ?? [];
    files.set(folderOf(name), hostsFile(name, endpoints, configs));
  }
  return files;
}

/** containerd looks for a registry with a port in a folder without brackets; `*` is everyone's. */
const folderOf = (name: string): string => (name === "*" ? "_default" : name);

function hostsFile(name: string, endpoints: readonly string[], configs: Registries["configs"] = {}): string {
  const text = JSON.stringify;
  const lines = name === "*" ? [] : [`server = ${text(serverOf(name, configs[name]))}`, ""];
  for (const endpoint of endpoints.map(endpointUrl)) {
    lines.push(`[host.${text(endpoint.href.replace(/\/$/, ""))}]`, '  capabilities = ["pull", "resolve"]', ...tlsLines(configs[endpoint.host]?.tls));
    if (endpoint.pathname !== "/" && endpoint.pathname.startsWith("/v2")) lines.push("  override_path = true");
  }
  if (endpoints.length === 0 && name !== "*") {
    lines.push(`[host.${text(serverOf(name, configs[name]))}]`, '  capabilities = ["pull", "resolve"]', ...tlsLines(configs[name]?.tls));
  }
  return `${lines.join("\n")}\n`;
}

function serverOf(name: string, config: RegistryConfig | undefined): string {
  if (name === "docker.io") return "https://registry-1.docker.io";
  return `${isLoopback(name) && config?.tls === undefined ? "http" : "https"}://${name}`;
}

function endpointUrl(endpoint: string): URL {
  if (endpoint.includes("://")) return new URL(endpoint);
  return new URL(`${isLoopback(endpoint) ? "http" : "https"}://${endpoint}`);
}

/** A registry on this machine is spoken to in plain HTTP, as docker does. */
export function isLoopback(name: string): boolean {
  const host =
    name
      .split("/")[0]
      ?.replace(/:\d+$/, "")
      .replace(/^\[|\]$/g, "") ?? "";
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function tlsLines(tls: RegistryConfig["tls"]): string[] {
  if (tls === undefined) return [];
  const text = JSON.stringify;
  return [
    ...(tls.ca_file ? [`  ca = ${text(tls.ca_file)}`] : []),
    ...(tls.cert_file && tls.key_file ? [`  client = [[${text(tls.cert_file)}, ${text(tls.key_file)}]]`] : []),
    ...(tls.insecure_skip_verify ? ["  skip_verify = true"] : []),
  ];
}

/** The credentials' part of containerd's own configuration: hosts files cannot carry it. */
export function registryConfigs({ configs = {} }: Registries): string {
  const text = JSON.stringify;
  return Object.entries(configs)
    .flatMap(([name, { auth }]) => {
      if (auth === undefined) return [];
      const entries = { username: auth.username, password: auth.password, auth: auth.auth, identitytoken: auth.identity_token };
      const lines = Object.entries(entries).flatMap(([key, value]) => (value === undefined ? [] : [`  ${key} = ${text(value)}`]));
      return [`[plugins."io.containerd.grpc.v1.cri".registry.configs.${text(name)}.auth]`, ...lines, ""];
    })
    .join("\n");
}
