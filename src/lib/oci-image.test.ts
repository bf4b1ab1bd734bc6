import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { imageArchive, imageBlobs } from "./oci-image.ts";

test("imageBlobs() names each blob by its digest and size", () => {
  const layer = Buffer.from("layer");
  const { manifest, config } = imageBlobs({ layer, arch: "amd64", config: { Cmd: ["sh"] } });
  const parsed = JSON.parse(Buffer.from(manifest.data).toString()) as { config: { digest: string }; layers: { digest: string; size: number }[] };
  assert.equal(parsed.config.digest, config.digest);
  assert.deepEqual(
    parsed.layers.map(({ digest, size }) => ({ digest, size })),
    [{ digest: `sha256:${createHash("sha256").update(layer).digest("hex")}`, size: 5 }],
  );
});

test("imageArchive() points from the index to the blobs", () => {
  const archive = imageArchive("docker.io/library/a:1", imageBlobs({ layer: Buffer.from("layer"), arch: "amd64", config: {} }));
  const tar = (...words: string[]) => execFileSync("tar", words, { input: archive, encoding: "utf8" });
  const index = JSON.parse(tar("--extract", "--to-stdout", "index.json")) as { manifests: { digest: string }[] };
  assert.ok(
    tar("--list")
      .split("\n")
      .includes(`blobs/sha256/${index.manifests[0]?.digest.slice(7)}`),
  );
});
