import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Blob, ImageBlobs } from "#lib/oci-image.ts";
import { requireProgram } from "./file-system.ts";
import { mortal } from "./mortal.ts";
import { freePort } from "./ports.ts";

export interface Registry {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** A registries file that makes this registry the mirror of docker.io and registry.k8s.io. */
  readonly registriesFile: string;
  push(repository: string, tag: string, image: ImageBlobs): Promise<void>;
  stop(): Promise<void>;
}

/** The registries that tests' images come from. */
const MIRRORED = ["docker.io", "registry.k8s.io"];

/** Debian's docker-registry on a free port of 127.0.0.1, with its files below `folder`. It ends with this process, however that ends. */
export async function startRegistry(folder: string): Promise<Registry> {
  const program = requireProgram(["/usr/bin/docker-registry"], "docker-registry");
  mkdirSync(folder, { recursive: true });
  const address = `127.0.0.1:${await freePort()}`;
  const config = join(folder, "config.yml");
  writeFileSync(config, registryConfig(address, join(folder, "storage")));
  const log = openSync(join(folder, "registry.log"), "a");
  const child = spawn(...mortal(program, "serve", config), { stdio: ["ignore", log, log] });
  const url = `http://${address}`;
  await untilAnswers(url, child);
  const registriesFile = join(folder, "registries.yaml");
  const mirrors = MIRRORED.map((host) => `  ${host}:\n    endpoint:\n      - "${url}"\n`);
  writeFileSync(registriesFile, `mirrors:\n${mirrors.join("")}`);
  return { url, registriesFile, push: (repository, tag, image) => pushImage(url, repository, tag, image), stop: () => stop(child) };
}

function registryConfig(address: string, storage: string): string {
  return `version: 0.1
log: { level: warn }
storage:
  filesystem: { rootdirectory: ${JSON.stringify(storage)} }
  delete: { enabled: true }
http: { addr: ${JSON.stringify(address)} }
`;
}

/** Blobs that are there already are left out. */
async function pushImage(url: string, repository: string, tag: string, { layer, config, manifest }: ImageBlobs): Promise<void> {
  for (const blob of [layer, config]) await pushBlob(`${url}/v2/${repository}`, blob);
  const answer = await fetch(`${url}/v2/${repository}/manifests/${tag}`, {
    method: "PUT",
    headers: { "content-type": manifest.mediaType },
    body: Buffer.from(manifest.data),
  });
  await expectStatus(answer, 201, `manifest of ${repository}:${tag}`);
}

async function pushBlob(base: string, { digest, data }: Blob): Promise<void> {
  if ((await fetch(`${base}/blobs/${digest}`, { method: "HEAD" })).ok) return;
  const begun = await fetch(`${base}/blobs/uploads/`, { method: "POST" });
  await expectStatus(begun, 202, "upload");
  const target = new URL(begun.headers.get("location") ?? "", base);
  target.searchParams.set("digest", digest);
  const put = await fetch(target, { method: "PUT", headers: { "content-type": "application/octet-stream" }, body: Buffer.from(data) });
  await expectStatus(put, 201, digest);
}

async function expectStatus(answer: Response, status: number, what: string): Promise<void> {
  const body = await answer.text();
  if (answer.status !== status) throw new Error(`registry: ${what}: ${answer.status} ${body}`);
}

async function untilAnswers(url: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`docker-registry ended with code ${child.exitCode}`);
    const answer = await fetch(`${url}/v2/`).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.ok) return;
    await pause(25);
  }
  throw new Error("docker-registry does not answer");
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}
