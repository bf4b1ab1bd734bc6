export interface TarFile {
  /** At most 100 bytes; ends in a slash for a folder. */
  readonly path: string;
  readonly mode: number;
  readonly data: Uint8Array;
  /** Makes the entry a symbolic link. */
  readonly linkTo?: string;
}

const BLOCK = 512;
/** What eleven octal digits say. */
const MAX_BYTES = 8 ** 11 - 1;

/**
 * A POSIX tar archive; owner root, no times: equal input gives equal bytes.
 *
 * @throws {RangeError} for what its headers cannot say
 */
export function tarArchive(files: readonly TarFile[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const file of files) {
    const size = file.linkTo === undefined ? file.data.length : 0;
    parts.push(tarHeader(file, size));
    if (size > 0) parts.push(file.data, Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK));
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function tarHeader({ path, mode, linkTo }: TarFile, size: number): Buffer {
  for (const name of [path, linkTo ?? ""]) if (Buffer.byteLength(name) > 100) throw new RangeError(`path is too long for a tar header: ${name}`);
  if (size > MAX_BYTES) throw new RangeError(`${path} is too large for a tar header`);
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
