import { chmodSync, chownSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { CONFIG_MAPS, SECRETS } from "#api/builtin.ts";
import type { Pod, Volume } from "#api/core-v1/types.ts";
import type { Resource } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { wholeValue } from "#apimachinery/quantity.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import type { Client } from "#client/client.ts";
import type { DownwardView } from "#kubelet/pod/downward.ts";
import type { Clock } from "#lib/clock.ts";
import { mountPoints } from "#lib/mounts.ts";

import { writeAtomically } from "./atomic-writer.ts";
import { prepareHostPath } from "./host-path.ts";
import { isWritten, type PayloadSources, VolumeError, volumePayload } from "./payload.ts";
import type { TokenSource } from "./tokens.ts";

export interface VolumeDeps {
  readonly kubeletDir: string;
  readonly client: Client;
  readonly clock: Clock;
  readonly tokens: TokenSource;
  /** Runs a program; rejects with its error output. */
  readonly run: (program: string, args: readonly string[]) => Promise<unknown>;
}

/** Paths on the host by volume name. */
export type MountedVolumes = ReadonlyMap<string, string>;

/** Makes pods' volumes below the kubelet's directory, refreshes and removes them. */
export class VolumeManager {
  readonly #deps: VolumeDeps;

  constructor(deps: VolumeDeps) {
    this.#deps = deps;
  }

  podDir(uid: string): string {
    return join(this.#deps.kubeletDir, "pods", uid);
  }

  /**
   * Makes all of a pod's volumes.
   *
   * @throws {VolumeSetupError} for the first that cannot be made
   */
  async mount(view: DownwardView): Promise<MountedVolumes> {
    const volumes = view.pod.spec.volumes ?? [];
    const paths = await Promise.all(volumes.map(async (volume) => [volume.name, await this.#mountOne(volume, view)] as const));
    return new Map(paths);
  }

  /** Brings the files of volumes that are made from API objects up to date; those that cannot be read stay as they are. */
  async refresh(view: DownwardView): Promise<void> {
    const written = (view.pod.spec.volumes ?? []).filter(isWritten);
    await Promise.allSettled(written.map((volume) => this.#mountOne(volume, view)));
  }

  /** Unmounts and removes all that is below the pod's directory. */
  async unmount(uid: string): Promise<void> {
    const dir = this.podDir(uid);
    for (const mountPoint of mountsBelow(dir)) await this.#deps.run("umount", ["-l", mountPoint]);
    rmSync(dir, { recursive: true, force: true });
    this.#deps.tokens.forget(uid);
  }

  async #mountOne(volume: Volume, view: DownwardView): Promise<string> {
    try {
      if (isWritten(volume)) return await this.#write(volume, view);
      if (volume.emptyDir !== undefined) return await this.#emptyDir(volume, view.pod);
      if (volume.hostPath !== undefined) {
        prepareHostPath(volume.hostPath.path, volume.hostPath.type ?? "");
        return volume.hostPath.path;
      }
      throw new VolumeError("no volume plugin matched");
    } catch (error) {
      throw new VolumeSetupError(volume.name, error);
    }
  }

  async #write(volume: Volume, view: DownwardView): Promise<string> {
    const dir = this.#pathOf(volume, view.pod);
    const payload = await volumePayload(volume, this.#sources(view));
    writeAtomically(dir, withGroupRead(payload, view.pod), view.pod.spec.securityContext?.fsGroup, this.#deps.clock.now());
    chmodSync(dir, 0o777);
    return dir;
  }

  async #emptyDir(volume: Volume, pod: Pod): Promise<string> {
    const dir = this.#pathOf(volume, pod);
    mkdirSync(dir, { recursive: true });
    if (volume.emptyDir?.medium === "Memory" && !mountsBelow(dir).includes(dir)) {
      const limitBytes = wholeValue(volume.emptyDir.sizeLimit ?? "0");
      const options = limitBytes > 0 ? ["-o", `size=${limitBytes}`] : [];
      await this.#deps.run("mount", ["-t", "tmpfs", ...options, "tmpfs", dir]);
    }
    const { fsGroup } = pod.spec.securityContext ?? {};
    if (fsGroup !== undefined) chownSync(dir, 0, fsGroup);
    chmodSync(dir, fsGroup === undefined ? 0o777 : 0o2777);
    return dir;
  }

  #pathOf(volume: Volume, { metadata }: Pod): string {
    return join(this.podDir(metadata.uid as string), "volumes", `kubernetes.io~${pluginOf(volume)}`, volume.name);
  }

  #sources(downward: DownwardView): PayloadSources {
    const { pod } = downward;
    const get =
      <T extends KubeObject>(resource: Resource<T>) =>
      (name: string) =>
        found(this.#deps.client.get(resource, { namespace: pod.metadata.namespace, name }));
    return {
      configMap: get(CONFIG_MAPS),
      secret: get(SECRETS),
      serviceAccountToken: (request) => this.#deps.tokens.token(pod, request),
      downward,
    };
  }
}

/** A volume that could not be made; the message is an event's. */
export class VolumeSetupError extends Error {
  override readonly name = "VolumeSetupError";
  readonly volume: string;

  constructor(volume: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`MountVolume.SetUp failed for volume "${volume}" : ${why}`, { cause });
    this.volume = volume;
  }
}

async function found<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isStatus(error, "NotFound")) return undefined;
    throw error;
  }
}

function pluginOf({ configMap, secret, downwardAPI, projected, emptyDir }: Volume): string {
  if (configMap !== undefined) return "configmap";
  if (secret !== undefined) return "secret";
  if (downwardAPI !== undefined) return "downward-api";
  if (projected !== undefined) return "projected";
  return emptyDir !== undefined ? "empty-dir" : "host-path";
}

/** With an fsGroup, its members may read what the owner may. */
function withGroupRead(payload: Awaited<ReturnType<typeof volumePayload>>, { spec }: Pod): typeof payload {
  if (spec.securityContext?.fsGroup === undefined) return payload;
  return new Map([...payload].map(([path, file]) => [path, { ...file, mode: file.mode | 0o040 }]));
}

/** Mount points at or below `dir`, innermost first. */
export function mountsBelow(dir: string): string[] {
  return mountPoints().filter((point) => point === dir || point.startsWith(`${dir}/`));
}
