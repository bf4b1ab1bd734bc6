import { spawn } from "node:child_process";
import { createReadStream, existsSync } from "node:fs";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { fullImageName, parseImageName } from "#lib/image-name.ts";
import { imageArchive, imageBlobs } from "#lib/oci-image.ts";
import { API_VERSION, type Arguments, type Context, textFlag } from "./context.ts";
import { SkiffError } from "./errors.ts";
import { pathsOf } from "./paths.ts";

/** `skiff image load|ls`, through containerd's own tool on the private socket. */
export async function image(args: Arguments, context: Context): Promise<number> {
  const [action, file] = args.positionals;
  const socket = pathsOf(context.settings.dataDir).containerdSocket;
  if (!existsSync(socket)) throw new SkiffError("SKF-0301", "there is no containerd to talk to", { reason: `${socket} does not exist` });
  if (action === "ls") return listImages(args, socket, context);
  if (action === "load") return loadImage(file, args, socket, context);
  throw new SkiffError("SKF-0201", "image: load or ls is missing", { remedy: "./skiff image --help" });
}

/** The archive may be docker's, OCI's, or with `--as` a root file system that is to become an image. */
async function loadImage(file: string | undefined, args: Arguments, socket: string, context: Context): Promise<number> {
  if (file === undefined) throw new SkiffError("SKF-0201", "image load: a file or - is missing", { remedy: "./skiff image --help" });
  if (file !== "-" && !existsSync(file)) throw new SkiffError("SKF-1401", `${file} does not exist`, { remedy: "./skiff image load FILE" });
  const source = file === "-" ? process.stdin : createReadStream(file);
  const name = textFlag(args, "as");
  const archive = name === undefined ? source : Readable.from(await wrap(name, textFlag(args, "cmd"), await buffer(source)));
  const { code, stdout, stderr } = await ctr(socket, ["images", "import", "--digests=false", "-"], archive);
  if (code !== 0)
    throw new SkiffError("SKF-0101", "the image could not be loaded", { reason: stderr.trim().split("\n").at(-1) ?? "", remedy: "./skiff logs containerd" });
  const loaded = [...stdout.matchAll(/^unpacking (\S+)/gm)].map(([, loadedName]) => loadedName);
  context.out(loaded.map((loadedName) => `${loadedName}\n`).join(""));
  return 0;
}

/** Makes an archive in OCI layout around a root file system. */
async function wrap(name: string, command: string | undefined, rootfs: Buffer): Promise<Buffer> {
  const layer = rootfs[0] === 0x1f && rootfs[1] === 0x8b ? (await import("node:zlib")).gunzipSync(rootfs) : rootfs;
  if (layer.subarray(257, 262).toString() !== "ustar")
    throw new SkiffError("SKF-0201", "image load --as: this is no tar archive", { remedy: "tar -C FOLDER -c . | ./skiff image load --as NAME -" });
  const Cmd = (command ?? "/bin/sh").split(/\s+/).filter((word) => word !== "");
  const config = { Cmd, Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] };
  const image = parseImageName(name);
  if (image === undefined)
    throw new SkiffError("SKF-0201", `image load --as: ${name} is no name of an image`, { remedy: "./skiff image load --as hello:1 FILE" });
  return imageArchive(fullImageName(image), imageBlobs({ layer, arch: "amd64", config }));
}

interface ImageRow {
  readonly name: string;
  readonly digest: string;
  readonly size: string;
}

async function listImages(args: Arguments, socket: string, context: Context): Promise<number> {
  const { code, stdout, stderr } = await ctr(socket, ["images", "ls"], Readable.from([]));
  if (code !== 0) throw new SkiffError("SKF-0101", "the images could not be listed", { reason: stderr.trim() });
  const items = parseImages(stdout);
  if (args.flags["output"] === "json") {
    context.out(`${JSON.stringify({ apiVersion: API_VERSION, kind: "ImageList", items }, undefined, 2)}\n`);
    return 0;
  }
  const width = Math.max(4, ...items.map(({ name }) => name.length));
  const lines = items.map(({ name, digest, size }) => `${name.padEnd(width)}  ${digest.slice(0, 19)}  ${size}\n`);
  context.out(`${"NAME".padEnd(width)}  ${"DIGEST".padEnd(19)}  SIZE\n${lines.join("")}`);
  return 0;
}

/** Reads `ctr images ls`; the same image's entries by digest are left out. */
export function parseImages(listing: string): readonly ImageRow[] {
  return listing
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [name = "", , digest = "", amount = "", unit = ""] = line.split(/\s+/);
      return name === "" || name.startsWith("sha256:") || name.includes("@") ? [] : [{ name, digest, size: `${amount} ${unit}` }];
    });
}

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function ctr(socket: string, words: readonly string[], input: NodeJS.ReadableStream): Promise<Outcome> {
  const child = spawn("ctr", ["--address", socket, "--namespace", "k8s.io", ...words], { stdio: ["pipe", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  // ctr may refuse the archive before it has read all of it; what it says counts then.
  const given = pipeline(input, child.stdin).catch(() => undefined);
  const [code, stdout, stderr] = await Promise.all([ended, buffer(child.stdout), buffer(child.stderr), given]);
  return { code, stdout: stdout.toString(), stderr: stderr.toString() };
}
