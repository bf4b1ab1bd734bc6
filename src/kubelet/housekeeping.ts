import { readdirSync, readlinkSync, rmSync, statfsSync } from "node:fs";
import { join, relative } from "node:path";

import type { KubeletConfig } from "#kubelet/config.ts";
import type { Runtime } from "#kubelet/cri/runtime.ts";
import { imagesInUse, imagesToRemove } from "#kubelet/image/image-gc.ts";
import { type ListedPods, removeOrphan } from "#kubelet/pod/adoption.ts";
import { type Cgroups, clearCgroup } from "#kubelet/pod/cgroups.ts";
import { rotateLog } from "#kubelet/pod/log-rotation.ts";
import type { RuntimePod } from "#kubelet/pod/runtime-pod.ts";
import type { VolumeManager } from "#kubelet/volume/volume-manager.ts";
import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

export interface HousekeepingDeps {
  readonly config: KubeletConfig;
  readonly runtime: Runtime;
  readonly volumes: VolumeManager;
  readonly cgroups: Cgroups;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Removes what pods that are gone have left: containers, volumes, cgroups, logs. What cannot be removed now is another time. */
export async function removeLeftovers(deps: HousekeepingDeps, live: ReadonlySet<string>, listed: ListedPods): Promise<void> {
  const { config, runtime, volumes, cgroups, clock, log } = deps;
  // All is looked up before the first wait: pods that come meanwhile are none of these.
  const orphans = [...listed].filter(([uid]) => !live.has(uid));
  const folders = namesIn(join(config.kubeletDir, "pods")).filter((uid) => !live.has(uid));
  const groups = [...cgroups.podUids()].filter(([uid]) => !live.has(uid));
  const links = namesIn(config.containerLogsDir).map((name) => join(config.containerLogsDir, name));
  const deadLinks = links.filter((link) => isLogOf(link, config.podLogsDir, (uid) => !live.has(uid)));
  const logs = namesIn(config.podLogsDir).filter((name) => !live.has(uidIn(name)));
  const remove = async (what: string, work: () => void | Promise<void>) => {
    try {
      await work();
    } catch (error) {
      log.warn("leftover of a pod cannot be removed", { what, error });
    }
  };
  for (const [uid, pod] of orphans) {
    log.info("orphaned pod removed", { uid });
    await remove(uid, () => removeOrphan(runtime, pod));
  }
  for (const uid of folders) await remove(uid, () => volumes.unmount(uid));
  for (const [, path] of groups) await remove(path, () => clearCgroup(cgroups, path, clock));
  for (const path of [...deadLinks, ...logs.map((name) => join(config.podLogsDir, name))])
    await remove(path, () => rmSync(path, { recursive: true, force: true }));
}

/** Folders of pods' logs end in their uid. */
const uidIn = (folder: string): string => folder.slice(folder.lastIndexOf("_") + 1);

/** Whether a link leads to a log of such a pod. */
function isLogOf(link: string, podLogsDir: string, isSuch: (uid: string) => boolean): boolean {
  try {
    const target = readlinkSync(link);
    const [folder = ""] = relative(podLogsDir, target).split("/");
    return target.startsWith(`${podLogsDir}/`) && isSuch(uidIn(folder));
  } catch {
    return false; // no link
  }
}

/** Rotates the logs of running containers. */
export async function rotateLogs({ runtime, log }: HousekeepingDeps, pods: Iterable<RuntimePod>, nowMs: number): Promise<void> {
  for (const { containers } of pods) {
    for (const { id, state, logPath } of containers) {
      if (state !== "running" || logPath === "") continue;
      try {
        await rotateLog(runtime, id, logPath, nowMs);
      } catch (error) {
        log.warn("container log cannot be rotated", { logPath, error });
      }
    }
  }
}

/** Removes unused images when the disk is nearly full. `seenMs` is kept up to date here. */
export async function collectImages({ config, runtime, log }: HousekeepingDeps, seenMs: Map<string, number>, nowMs: number): Promise<void> {
  const images = await runtime.listImages();
  for (const { id } of images) if (!seenMs.has(id)) seenMs.set(id, nowMs);
  const { blocks, bavail, bsize } = statfsSync(config.containerd.root);
  const usage = { usedBytes: (blocks - bavail) * bsize, capacityBytes: blocks * bsize };
  const used = imagesInUse(await runtime.listContainers());
  for (const id of imagesToRemove({ images, used, seenMs, pinned: [config.pauseImage], ...usage, nowMs })) {
    log.info("unused image removed", { id });
    await runtime.removeImage(id);
    seenMs.delete(id);
  }
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
