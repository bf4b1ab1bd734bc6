import { imageBlobs, imageLayout } from "#lib/oci-image.ts";

export interface ArchiveFile {
  readonly path: string;
  readonly mode: number;
  readonly data: Uint8Array;
  /** Makes the entry a symbolic link. */
  readonly linkTo?: string;
}

export interface OciImage {
  /** The name it is imported under, with its tag. */
  readonly image: string;
  readonly arch: string;
  readonly files: readonly ArchiveFile[];
  /** The image's `config`: Entrypoint, Cmd, Env, User … */
  readonly config: Readonly<Record<string, unknown>>;
}

/** A tar archive in OCI layout of an image with one layer; equal input gives equal bytes. */
export function ociArchive({ image, arch, files, config }: OciImage): Buffer {
  const blobs = imageBlobs({ layer: tarArchive(files), arch, config });
  return tarArchive(imageLayout(image, blobs).map(({ path, data }) => ({ path, mode: 0o644, data })));
}

const BLOCK = 512;

/** A POSIX tar archive; owner root, no times. Paths may be 100 bytes long. */
export function tarArchive(files: readonly ArchiveFile[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const file of files) {
    const size = file.linkTo === undefined ? file.data.length : 0;
    parts.push(tarHeader(file, size));
    if (size > 0) parts.push(file.data, Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK));
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function tarHeader({ path, mode, linkTo }: ArchiveFile, size: number): Buffer {
  if (Buffer.byteLength(path) > 100) throw new RangeError(`path is too long for a tar header: ${path}`);
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) => header.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at);
  header.write(path, 0);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  header.write("        ", 148);
  header.write(linkTo !== undefined ? "2" : path.endsWith("/") ? "5" : "0", 156);
  if (linkTo !== undefined) header.write(linkTo, 157);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}
