import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { join, normalize } from "node:path";

import type { Container } from "#api/core-v1/types.ts";
import { type CriMount, PROPAGATION } from "#kubelet/cri/types.ts";
import type { MountedVolumes } from "#kubelet/volume/volume-manager.ts";

import { ContainerConfigError, type Env } from "./env.ts";
import { expand } from "./expand.ts";

/**
 * The mounts that a container's spec asks for; a missing subPath is made.
 *
 * @throws {ContainerConfigError} for a subPath that leaves its volume
 */
export function volumeMounts({ volumeMounts: mounts = [] }: Pick<Container, "volumeMounts">, volumes: MountedVolumes, env: Env): CriMount[] {
  return mounts.map((mount) => {
    const root = volumes.get(mount.name);
    if (root === undefined) throw new ContainerConfigError(`cannot find volume "${mount.name}" to mount into container`);
    const subPath = mount.subPathExpr ? expand(mount.subPathExpr, (name) => env.get(name)) : (mount.subPath ?? "");
    return {
      containerPath: mount.mountPath.startsWith("/") ? mount.mountPath : `/${mount.mountPath}`,
      hostPath: subPath === "" ? root : withinVolume(root, subPath),
      readonly: mount.readOnly ?? false,
      propagation: PROPAGATION[(mount.mountPropagation ?? "None") as keyof typeof PROPAGATION] ?? PROPAGATION.None,
    };
  });
}

function withinVolume(root: string, subPath: string): string {
  const clean = normalize(subPath);
  if (clean.startsWith("/") || clean.split("/").includes("..")) throw new ContainerConfigError(`subPath ${JSON.stringify(subPath)} must not leave its volume`);
  const path = join(root, clean);
  if (!existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o750 });
  // A container may have put a link there that leads out of its volume.
  const real = realpathSync(path);
  const realRoot = realpathSync(root);
  if (real !== realRoot && !real.startsWith(`${realRoot}/`)) throw new ContainerConfigError(`subPath ${JSON.stringify(subPath)} must not leave its volume`);
  return real;
}
