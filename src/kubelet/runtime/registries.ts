import { isIP } from "node:net";

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
export async function parseRegistries(text: string): Promise<Registries> {
  if (text.trim() === "") return {};
  const { parse } = await import("yaml");
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

/**
 * The endpoints stand for the registry as a whole: what they do not have is not there. containerd would ask the registry
 * itself after them, and then tell of that last failure only; who wants that names the registry as the last endpoint.
 */
function hostsFile(name: string, endpoints: readonly string[], configs: Registries["configs"] = {}): string {
  const named = endpoints.map((endpoint) => hostOf(endpointUrl(endpoint), configs));
  const itself = () => hostOf(new URL(serverOf(name, configs[name])), { ...configs, ...aliasOf(name, configs) });
  const hosts = named.length > 0 || name === "*" ? named : [itself()];
  const last = hosts.at(-1);
  const server = name === "*" || last === undefined ? [] : [`server = ${JSON.stringify(last.url)}`, ...last.settings, ""];
  // Without a host table containerd passes over the server, too.
  const tables = hosts.flatMap(({ url, settings }) => [
    `[host.${JSON.stringify(url)}]`,
    '  capabilities = ["pull", "resolve"]',
    ...settings.map((line) => `  ${line}`),
  ]);
  return `${[...server, ...tables].join("\n")}\n`;
}

interface Host {
  readonly url: string;
  readonly settings: readonly string[];
}

function hostOf(url: URL, configs: NonNullable<Registries["configs"]>): Host {
  const override = url.pathname !== "/" && url.pathname.startsWith("/v2") ? ["override_path = true"] : [];
  return { url: url.href.replace(/\/$/, ""), settings: [...tlsLines(configs[url.host]?.tls), ...override] };
}

/** docker.io's settings stand under its name, its server has another. */
function aliasOf(name: string, configs: NonNullable<Registries["configs"]>): NonNullable<Registries["configs"]> {
  const config = configs[name];
  return config === undefined ? {} : { [new URL(serverOf(name, config)).host]: config };
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
    ...(tls.ca_file ? [`ca = ${text(tls.ca_file)}`] : []),
    ...(tls.cert_file && tls.key_file ? [`client = [[${text(tls.cert_file)}, ${text(tls.key_file)}]]`] : []),
    ...(tls.insecure_skip_verify ? ["skip_verify = true"] : []),
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
