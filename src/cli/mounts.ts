import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";

/** Mount points below these folders, innermost first. The folders themselves may be mount points of the user's own. */
export function mountsBelow(folders: readonly string[], mountinfo: string): readonly string[] {
  const points = mountinfo.split("\n").flatMap((line) => {
    const point = line.split(" ")[4];
    return point === undefined ? [] : [unescapePoint(point)];
  });
  return points.filter((point) => folders.some((folder) => point.startsWith(`${folder}/`))).reverse();
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
  const points = () => mountsBelow(real, readFileSync("/proc/self/mountinfo", "utf8"));
  const all = points();
  for (let i = 0; i < all.length; i += BATCH) spawnSync("umount", ["--lazy", ...all.slice(i, i + BATCH)], { stdio: "ignore" });
  return all.length === 0 ? [] : points();
}

/** The kernel writes blanks and backslashes as octal numbers. */
function unescapePoint(point: string): string {
  return point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
