import type { ConfigMap, Container, EnvVar, EnvVarSource, Pod, Secret, Service } from "#api/core-v1/types.ts";

import { type DownwardView, fieldValue, resourceValue } from "./downward.ts";
import { expand } from "./expand.ts";

/** A container cannot be made from its spec; `reason` is shown as the container's waiting reason. */
export class ContainerConfigError extends Error {
  override readonly name = "ContainerConfigError";
  readonly reason: string;

  constructor(message: string, reason = "CreateContainerConfigError") {
    super(message);
    this.reason = reason;
  }
}

/** ConfigMaps and Secrets of the pod's namespace that its containers name; `undefined` for those that do not exist. */
export interface EnvSources {
  configMap(name: string): ConfigMap | undefined;
  secret(name: string): Secret | undefined;
}

export type Env = ReadonlyMap<string, string>;

/** The names of ConfigMaps and Secrets that the container's environment is made of. */
export function envReferences({ env = [], envFrom = [] }: Pick<Container, "env" | "envFrom">): { configMaps: Set<string>; secrets: Set<string> } {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  for (const { configMapRef, secretRef } of envFrom) {
    if (configMapRef?.name) configMaps.add(configMapRef.name);
    if (secretRef?.name) secrets.add(secretRef.name);
  }
  for (const { valueFrom } of env) {
    if (valueFrom?.configMapKeyRef?.name) configMaps.add(valueFrom.configMapKeyRef.name);
    if (valueFrom?.secretKeyRef?.name) secrets.add(valueFrom.secretKeyRef.name);
  }
  return { configMaps, secrets };
}

/**
 * A container's variables: envFrom in order, then env, then those of services that nothing else has set.
 *
 * @throws {ContainerConfigError} when something it needs does not exist
 * @see pkg/kubelet/kubelet_pods.go makeEnvironmentVariables
 */
export function containerEnv(container: Container, sources: EnvSources, serviceEnv: Env, view: DownwardView): Env {
  const namespace = view.pod.metadata.namespace ?? "default";
  const result = new Map<string, string>(fromSources(container, sources));
  const known = new Map<string, string>(result);
  for (const variable of container.env ?? []) {
    const value = variableValue(variable, (name) => known.get(name) ?? serviceEnv.get(name), { container, sources, view, namespace });
    if (value === undefined) continue;
    known.set(variable.name, value);
    result.set(variable.name, value);
  }
  for (const [name, value] of serviceEnv) if (!result.has(name)) result.set(name, value);
  return result;
}

function fromSources({ envFrom = [] }: Container, sources: EnvSources): [string, string][] {
  const result: [string, string][] = [];
  for (const { prefix = "", configMapRef, secretRef } of envFrom) {
    if (configMapRef !== undefined) {
      const map = sources.configMap(configMapRef.name ?? "");
      if (map === undefined && !configMapRef.optional) throw new ContainerConfigError(`configmap ${JSON.stringify(configMapRef.name)} not found`);
      for (const [key, value] of Object.entries(map?.data ?? {})) result.push([prefix + key, value]);
    }
    if (secretRef !== undefined) {
      const secret = sources.secret(secretRef.name ?? "");
      if (secret === undefined && !secretRef.optional) throw new ContainerConfigError(`secret ${JSON.stringify(secretRef.name)} not found`);
      for (const [key, value] of Object.entries(secret?.data ?? {})) result.push([prefix + key, decoded(value)]);
    }
  }
  return result;
}

interface VariableContext {
  readonly container: Container;
  readonly sources: EnvSources;
  readonly view: DownwardView;
  readonly namespace: string;
}

function variableValue({ value, valueFrom }: EnvVar, lookup: (name: string) => string | undefined, context: VariableContext): string | undefined {
  if (value !== undefined && value !== "") return expand(value, lookup);
  return valueFrom === undefined ? "" : sourceValue(valueFrom, context);
}

function sourceValue(source: EnvVarSource, { container, sources, view, namespace }: VariableContext): string | undefined {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = source;
  if (fieldRef !== undefined) return required(fieldValue(fieldRef, view), `unsupported fieldPath: ${fieldRef.fieldPath}`);
  if (resourceFieldRef !== undefined) {
    return required(resourceValue(resourceFieldRef, container, view), `unsupported container resource : ${resourceFieldRef.resource}`);
  }
  if (configMapKeyRef !== undefined) {
    const { name = "", key, optional } = configMapKeyRef;
    const map = sources.configMap(name);
    if (map === undefined) return missing(optional, `configmap ${JSON.stringify(name)} not found`);
    return map.data?.[key] ?? missing(optional, `couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
  }
  if (secretKeyRef !== undefined) {
    const { name = "", key, optional } = secretKeyRef;
    const secret = sources.secret(name);
    if (secret === undefined) return missing(optional, `secret ${JSON.stringify(name)} not found`);
    const data = secret.data?.[key];
    return data === undefined ? missing(optional, `couldn't find key ${key} in Secret ${namespace}/${name}`) : decoded(data);
  }
  return "";
}

function missing(optional: boolean | undefined, message: string): undefined {
  if (!optional) throw new ContainerConfigError(message);
}

function required(value: string | undefined, message: string): string {
  if (value === undefined) throw new ContainerConfigError(message);
  return value;
}

const decoded = (base64: string): string => Buffer.from(base64, "base64").toString();

/**
 * Variables that tell of services: those of the pod's namespace when it wants them, and the API's own in any case.
 *
 * @see pkg/kubelet/envvars/envvars.go
 */
export function serviceEnvironment(pod: Pod, services: readonly Service[]): Env {
  const namespace = pod.metadata.namespace ?? "default";
  const links = pod.spec.enableServiceLinks !== false;
  const chosen = new Map<string, Service>();
  for (const service of services) {
    const { name, namespace: of } = service.metadata;
    const clusterIp = service.spec.clusterIP;
    if (clusterIp === undefined || clusterIp === "" || clusterIp === "None") continue;
    if (of === "default" && name === "kubernetes" && !chosen.has(name)) chosen.set(name, service);
    else if (of === namespace && links) chosen.set(name, service);
  }
  const result = new Map<string, string>();
  for (const service of [...chosen.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) addService(result, service);
  return result;
}

function addService(into: Map<string, string>, { metadata, spec }: Service): void {
  const prefix = metadata.name.toUpperCase().replaceAll("-", "_");
  const host = spec.clusterIP as string;
  const ports = spec.ports ?? [];
  const first = ports[0];
  if (first === undefined) return;
  into.set(`${prefix}_SERVICE_HOST`, host);
  into.set(`${prefix}_SERVICE_PORT`, String(first.port));
  for (const { name, port } of ports) {
    if (name) into.set(`${prefix}_SERVICE_PORT_${name.toUpperCase().replaceAll("-", "_")}`, String(port));
  }
  const authority = host.includes(":") ? `[${host}]` : host;
  ports.forEach(({ protocol = "TCP", port }, i) => {
    const scheme = protocol.toLowerCase();
    const url = `${scheme}://${authority}:${port}`;
    const name = `${prefix}_PORT_${port}_${protocol}`;
    if (i === 0) into.set(`${prefix}_PORT`, url);
    into.set(name, url);
    into.set(`${name}_PROTO`, scheme);
    into.set(`${name}_PORT`, String(port));
    into.set(`${name}_ADDR`, host);
  });
}
