import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { imageBlobs, imageLayout } from "./oci-image.ts";

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

test("imageLayout() points from the index to the blobs", () => {
  const blobs = imageBlobs({ layer: Buffer.from("layer"), arch: "amd64", config: {} });
  const entries = imageLayout("docker.io/library/a:1", blobs);
  const index = JSON.parse(Buffer.from(entries.find(({ path }) => path === "index.json")?.data ?? "").toString()) as { manifests: { digest: string }[] };
  assert.ok(entries.some(({ path }) => path === `blobs/sha256/${index.manifests[0]?.digest.slice(7)}`));
});
