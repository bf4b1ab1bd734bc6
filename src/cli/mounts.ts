import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Mount points below these folders (or at them), innermost first. */
export function mountsBelow(folders: readonly string[], mountinfo: string): readonly string[] {
  const points = mountinfo.split("\n").flatMap((line) => {
    const point = line.split(" ")[4];
    return point === undefined ? [] : [unescapePoint(point)];
  });
  return points.filter((point) => folders.some((folder) => point === folder || point.startsWith(`${folder}/`))).reverse();
}

/** Unmounts whatever is mounted below; a busy mount is detached, and goes with its last user. */
export function unmountBelow(folders: readonly string[]): number {
  const points = mountsBelow(folders, readFileSync("/proc/self/mountinfo", "utf8"));
  for (const point of points) execFileSync("umount", ["--lazy", point], { stdio: "ignore" });
  return points.length;
}

/** The kernel writes blanks and backslashes as octal numbers. */
function unescapePoint(point: string): string {
  return point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
