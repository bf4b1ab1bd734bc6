import type { FileHandle } from "node:fs/promises";

const BLOCK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/** The offset at which the last `lines` lines of a file begin, read from its end. */
export async function tailStart(file: Pick<FileHandle, "read" | "stat">, lines: number): Promise<number> {
  const { size } = await file.stat();
  if (lines <= 0) return size;
  const block = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, size));
  let newlines = 0;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - block.length);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    for (let at = block.lastIndexOf(NEWLINE, bytesRead - 1); at >= 0; at = at === 0 ? -1 : block.lastIndexOf(NEWLINE, at - 1)) {
      // The newline that ends the last line is no beginning.
      if (start + at === size - 1) continue;
      newlines++;
      if (newlines === lines) return start + at + 1;
    }
    end = start;
  }
  return 0;
}
