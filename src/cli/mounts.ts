import { spawnSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { mountPoints } from "#lib/mounts.ts";

/** Mount points below these folders, innermost first. The folders themselves may be mount points of the user's own. */
export function mountsBelow(folders: readonly string[], mountinfo?: string): readonly string[] {
  return mountPoints(mountinfo).filter((point) => folders.some((folder) => point.startsWith(`${folder}/`)));
}

/** So many paths surely fit into one command line. */
const BATCH = 200;

/**
 * Unmounts whatever is mounted below; a busy mount is detached, and goes with its last user.
 *
 * @returns what is still there
 */
export function unmountBelow(folders: readonly string[]): readonly string[] {
  // The kernel's list has no symbolic links.
  const real = folders.filter((folder) => existsSync(folder)).map((folder) => realpathSync(folder));
  const all = mountsBelow(real);
  for (let i = 0; i < all.length; i += BATCH) spawnSync("umount", ["--lazy", ...all.slice(i, i + BATCH)], { stdio: "ignore" });
  return all.length === 0 ? [] : mountsBelow(real);
}
