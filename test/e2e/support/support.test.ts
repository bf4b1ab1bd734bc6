import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { busyboxImage, nginxImage } from "./images.ts";
import { kubectlPath } from "./kubectl.ts";
import { startRegistry } from "./registry.ts";

const folder = mkdtempSync(join(tmpdir(), "skiff-registry-"));
const registry = await startRegistry(folder);
after(async () => {
  await registry.stop();
  rmSync(folder, { recursive: true });
});

test("kubectlPath() is an unmodified kubectl, 1.35 unless another is asked for", () => {
  for (const [path, version] of [
    [kubectlPath(), "v1.35."],
    [kubectlPath(22), "v1.22."],
  ] as const) {
    const text = execFileSync(path, ["version", "--client", "-o", "json"], { encoding: "utf8" });
    assert.ok((JSON.parse(text) as { clientVersion: { gitVersion: string } }).clientVersion.gitVersion.startsWith(version), text);
  }
});

test("the registry serves what was pushed, and not what was not", async () => {
  const image = nginxImage("1.7.9");
  await registry.push("library/nginx", "1.7.9", image);
  await registry.push("library/busybox", "1.36", busyboxImage());
  const accept = { headers: { accept: image.manifest.mediaType } };
  const found = await fetch(`${registry.url}/v2/library/nginx/manifests/1.7.9`, accept);
  assert.equal(found.headers.get("docker-content-digest"), image.manifest.digest);
  await found.arrayBuffer();
  const missing = await fetch(`${registry.url}/v2/library/nginx/manifests/1.95`, accept);
  assert.equal(missing.status, 404);
  await missing.arrayBuffer();
});

test("nginxImage() gives the same bytes each time, and others for another release", () => {
  const digest = (release: string) => nginxImage(release).manifest.digest;
  assert.equal(digest("1.7.9"), digest("1.7.9"));
  assert.notEqual(digest("1.7.9"), digest("1.9.1"));
});
