import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pauseProgram } from "#kubelet/runtime/pause-image.ts";
import { type ImageBlobs, imageBlobs } from "#lib/oci-image.ts";
import { busyboxEntries, type Entry, layerOf, programEntries, requireProgram } from "#test/e2e/support/file-system.ts";
import { busyboxImage, nginxImage } from "#test/e2e/support/images.ts";
import type { Programs } from "./programs.ts";

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** An image and the names, with registry and tag, that upstream's tests know it by. */
export interface NamedImage {
  readonly names: readonly string[];
  readonly image: ImageBlobs;
}

/** What the tests' containers need, made of upstream's programs and Debian's. */
export function testImages(programs: Programs): NamedImage[] {
  const name = imageNames(programs.suite);
  const agnhost = agnhostEntries(programs);
  return [
    { names: [name("agnhost"), name("agnhostPrevious")], image: imageOf(agnhost, { Entrypoint: ["/agnhost"], Cmd: ["pause"] }) },
    { names: [name("nautilus")], image: imageOf([...agnhost, ...filesOf(programs.nautilus)], { Entrypoint: ["/agnhost"], Cmd: ["test-webserver"] }) },
    { names: [name("busybox")], image: busyboxImage() },
    { names: [name("nginx")], image: nginxImage(name("nginx")) },
    { names: [name("nginxNew")], image: nginxImage(name("nginxNew")) },
    { names: [name("pause")], image: imageOf([program("/pause", pauseProgram("amd64"))], { Entrypoint: ["/pause"] }) },
    { names: [name("etcd")], image: imageOf([...busyboxEntries(), ...etcdEntries()], { Cmd: ["etcd"] }) },
    { names: [name("sampleApiserver")], image: imageOf(sampleEntries(programs), { Entrypoint: ["/sample-apiserver"] }) },
  ];
}

/** What the tests that were built call their images: upstream changes the numbers now and then. */
function imageNames(suite: string): (image: string) => string {
  const { status, stdout, stderr } = spawnSync(suite, ["-images"], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${suite} -images: exit code ${status}\n${stderr}`);
  const names = JSON.parse(stdout) as Readonly<Record<string, string>>;
  return (image) => {
    const name = names[image];
    if (name === undefined) throw new Error(`${suite} does not know an image ${image}`);
    return name;
  };
}

/** Tests call curl, printenv and a shell besides the program. */
function agnhostEntries({ agnhost }: Programs): readonly Entry[] {
  const tools = [requireProgram(["/usr/bin/curl"], "curl"), requireProgram(["/usr/bin/printenv"], "coreutils")];
  const libraries = new Map(tools.flatMap((tool) => programEntries(tool)).map((entry) => [entry.path, entry]));
  return [...busyboxEntries(), ...libraries.values(), program("/agnhost", readFileSync(agnhost)), { path: "/uploads", folder: true }];
}

function etcdEntries(): readonly Entry[] {
  const etcd = requireProgram(["/usr/bin/etcd"], "etcd-server");
  return [...programEntries(etcd), { path: "/usr/local/bin/etcd", linkTo: etcd }];
}

function sampleEntries({ sampleApiserver }: Programs): readonly Entry[] {
  return [...busyboxEntries(), program("/sample-apiserver", readFileSync(sampleApiserver))];
}

function filesOf(folder: string): readonly Entry[] {
  return readdirSync(folder).map((file) => ({ path: `/${file}`, data: readFileSync(join(folder, file)) }));
}

function program(path: string, data: Uint8Array): Entry {
  return { path, data, mode: 0o755 };
}

function imageOf(entries: readonly Entry[], config: Readonly<Record<string, unknown>>): ImageBlobs {
  return imageBlobs({ layer: layerOf(entries), arch: "amd64", config: { Env: [PATH], ...config } });
}
