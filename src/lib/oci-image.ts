import { createHash } from "node:crypto";
import { type TarFile, tarArchive } from "./tar.ts";

/** An image with one layer. */
export interface ImageSource {
  /** The layer: a tar archive, uncompressed. */
  readonly layer: Uint8Array;
  readonly arch: string;
  /** The image's `config`: Entrypoint, Cmd, Env, User … */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly data: Uint8Array;
}

export interface ImageBlobs {
  readonly manifest: Blob;
  readonly config: Blob;
  readonly layer: Blob;
}

/** The three blobs of an image as a registry keeps them; equal input gives equal digests. */
export function imageBlobs({ layer, arch, config }: ImageSource): ImageBlobs {
  const layerBlob = blobOf("application/vnd.oci.image.layer.v1.tar", layer);
  const configText = { architecture: arch, os: "linux", config, rootfs: { type: "layers", diff_ids: [layerBlob.digest] } };
  const configBlob = blobOf("application/vnd.oci.image.config.v1+json", json(configText));
  const manifest = { schemaVersion: 2, mediaType: MANIFEST_TYPE, config: descriptor(configBlob), layers: [descriptor(layerBlob)] };
  return { manifest: blobOf(MANIFEST_TYPE, json(manifest)), config: configBlob, layer: layerBlob };
}

/**
 * An archive in OCI layout, as containerd imports it.
 *
 * @param name with registry and tag, such as `docker.io/library/hello:1`
 */
export function imageArchive(name: string, { manifest, config, layer }: ImageBlobs): Buffer {
  const annotations = { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.slice(name.lastIndexOf(":") + 1) };
  const index = { schemaVersion: 2, manifests: [{ ...descriptor(manifest), annotations }] };
  const file = (path: string, data: Uint8Array): TarFile => ({ path, mode: 0o644, data });
  const blobs = [manifest, config, layer].map(({ digest, data }) => file(`blobs/sha256/${digest.slice("sha256:".length)}`, data));
  return tarArchive([file("oci-layout", json({ imageLayoutVersion: "1.0.0" })), file("index.json", json(index)), ...blobs]);
}

const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";

function blobOf(mediaType: string, data: Uint8Array): Blob {
  return { mediaType, digest: `sha256:${createHash("sha256").update(data).digest("hex")}`, data };
}

function descriptor({ mediaType, digest, data }: Blob) {
  return { mediaType, digest, size: data.length };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
