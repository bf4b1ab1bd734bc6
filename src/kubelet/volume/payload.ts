import type { ConfigMap, DownwardAPIVolumeFile, KeyToPath, Pod, Secret, Volume, VolumeProjection } from "#api/core-v1/types.ts";
import { containersOf } from "#kubelet/pod/containers.ts";
import { type DownwardView, fieldValue, resourceValue } from "#kubelet/pod/downward.ts";

import type { Payload, PayloadFile } from "./atomic-writer.ts";

/** A volume cannot be filled; the message is what upstream's says. */
export class VolumeError extends Error {
  override readonly name = "VolumeError";
}

export interface TokenRequestSpec {
  readonly audience: string;
  readonly expirationSeconds: number;
}

/** What volumes are filled from. Lookups give `undefined` for what does not exist. */
export interface PayloadSources {
  configMap(name: string): Promise<ConfigMap | undefined>;
  secret(name: string): Promise<Secret | undefined>;
  serviceAccountToken(request: TokenRequestSpec): Promise<string>;
  readonly downward: DownwardView;
}

const DEFAULT_MODE = 0o644;
const DEFAULT_TOKEN_SECONDS = 3600;

/** Whether a volume's files are made from API objects. */
export function isWritten(volume: Volume): boolean {
  return (volume.configMap ?? volume.secret ?? volume.downwardAPI ?? volume.projected) !== undefined;
}

/** The files of a configMap, secret, downwardAPI or projected volume. */
export async function volumePayload(volume: Volume, sources: PayloadSources): Promise<Payload> {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (projected !== undefined) return projectedPayload(projected.sources ?? [], projected.defaultMode ?? DEFAULT_MODE, sources);
  const mode = (configMap ?? secret ?? downwardAPI)?.defaultMode ?? DEFAULT_MODE;
  if (configMap !== undefined) return one({ configMap }, mode, sources);
  if (secret !== undefined) {
    const { secretName, items, optional } = secret;
    return one({ secret: { name: secretName ?? "", items, optional } }, mode, sources);
  }
  return one({ downwardAPI: downwardAPI ?? {} }, mode, sources);
}

async function projectedPayload(list: readonly VolumeProjection[], mode: number, sources: PayloadSources): Promise<Payload> {
  const parts = await Promise.all(list.map((source) => one(source, mode, sources)));
  return new Map(parts.flatMap((part) => [...part]));
}

async function one(source: VolumeProjection, mode: number, sources: PayloadSources): Promise<Payload> {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (configMap !== undefined) {
    const found = await sources.configMap(configMap.name ?? "");
    if (found === undefined && !configMap.optional) throw new VolumeError(`configmap ${JSON.stringify(configMap.name)} not found`);
    const texts = Object.entries(found?.data ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const);
    const binaries = Object.entries(found?.binaryData ?? {}).map(([key, base64]) => [key, Buffer.from(base64, "base64")] as const);
    return keyed(new Map([...texts, ...binaries]), configMap, mode, "configmap");
  }
  if (secret !== undefined) {
    const found = await sources.secret(secret.name ?? "");
    if (found === undefined && !secret.optional) throw new VolumeError(`secret ${JSON.stringify(secret.name)} not found`);
    const data = new Map(Object.entries(found?.data ?? {}).map(([key, base64]) => [key, Buffer.from(base64, "base64")] as const));
    return keyed(data, secret, mode, "secret");
  }
  if (downwardAPI !== undefined) return new Map((downwardAPI.items ?? []).map((item) => [item.path, downwardFile(item, mode, sources.downward)]));
  if (serviceAccountToken !== undefined) {
    const { path, audience = "", expirationSeconds = DEFAULT_TOKEN_SECONDS } = serviceAccountToken;
    const token = await sources.serviceAccountToken({ audience, expirationSeconds });
    return new Map([[path, tokenFile(token, mode, sources.downward.pod)]]);
  }
  throw new VolumeError("projected source is not supported");
}

interface KeySelection {
  readonly name?: string | undefined;
  readonly items?: readonly KeyToPath[] | undefined;
  readonly optional?: boolean | undefined;
}

function keyed(data: ReadonlyMap<string, Buffer>, { items, optional }: KeySelection, mode: number, kind: "configmap" | "secret"): Payload {
  if (items === undefined || items.length === 0) return new Map([...data].map(([key, bytes]) => [key, { data: bytes, mode }]));
  const result = new Map<string, PayloadFile>();
  for (const item of items) {
    const bytes = data.get(item.key);
    if (bytes !== undefined) result.set(item.path, { data: bytes, mode: item.mode ?? mode });
    else if (!optional)
      throw new VolumeError(
        `${kind === "configmap" ? "configmap" : "secret"} references non-existent ${kind === "configmap" ? "config" : "secret"} key: ${item.key}`,
      );
  }
  return result;
}

function downwardFile({ fieldRef, resourceFieldRef, mode: own }: DownwardAPIVolumeFile, mode: number, view: DownwardView): PayloadFile {
  const container = containersOf(view.pod).find(({ spec }) => spec.name === resourceFieldRef?.containerName)?.spec;
  const text =
    fieldRef !== undefined ? fieldValue(fieldRef, view) : container && resourceFieldRef ? resourceValue(resourceFieldRef, container, view) : undefined;
  if (text === undefined) throw new VolumeError(`unsupported field of the downward API: ${fieldRef?.fieldPath ?? resourceFieldRef?.resource}`);
  return { data: Buffer.from(text), mode: own ?? mode };
}

/** A token is for one user's eyes where all containers run as that user, and for those of the pod's group where it has one. */
function tokenFile(token: string, mode: number, pod: Pod): PayloadFile {
  const data = Buffer.from(token);
  const { runAsUser, fsGroup } = pod.spec.securityContext ?? {};
  const users = new Set(containersOf(pod).map(({ spec }) => spec.securityContext?.runAsUser ?? runAsUser));
  const uid = users.size === 1 ? [...users][0] : undefined;
  return { data, mode: uid === undefined && fsGroup === undefined ? mode : 0o600, uid };
}
