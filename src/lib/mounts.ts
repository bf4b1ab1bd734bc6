import { readFileSync } from "node:fs";

/** Where something is mounted, the newest first: in this order all can be unmounted. */
export function mountPoints(mountinfo = readFileSync("/proc/self/mountinfo", "utf8")): string[] {
  const points = mountinfo.split("\n").flatMap((line) => {
    const point = line.split(" ")[4];
    return point === undefined ? [] : [unescapePoint(point)];
  });
  return points.reverse();
}

/** The kernel writes blanks and backslashes as octal numbers. */
function unescapePoint(point: string): string {
  return point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
