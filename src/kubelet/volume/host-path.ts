import { lstatSync, mkdirSync, type Stats, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { VolumeError } from "./payload.ts";

/**
 * Checks a hostPath volume against its type, making what `…OrCreate` asks for.
 *
 * @throws {VolumeError} with upstream's text
 * @see pkg/volume/hostpath/host_path.go
 */
export function prepareHostPath(path: string, type: string): void {
  const found = statOf(path);
  const failed = (what: string) => new VolumeError(`hostPath type check failed: ${path} is not a ${what}`);
  switch (type) {
    case "":
      return;
    case "DirectoryOrCreate":
      if (found === undefined) return void mkdirSync(path, { recursive: true, mode: 0o755 });
      if (!found.isDirectory()) throw failed("directory");
      return;
    case "Directory":
      if (!found?.isDirectory()) throw failed("directory");
      return;
    case "FileOrCreate":
      if (found === undefined) return createFile(path);
      if (!found.isFile()) throw failed("file");
      return;
    case "File":
      if (!found?.isFile()) throw failed("file");
      return;
    case "Socket":
      if (!found?.isSocket()) throw failed("socket file");
      return;
    case "CharDevice":
      if (!found?.isCharacterDevice()) throw failed("character device");
      return;
    case "BlockDevice":
      if (!found?.isBlockDevice()) throw failed("block device");
      return;
    default:
      throw new VolumeError(`${type} is an invalid volume type`);
  }
}

function createFile(path: string): void {
  lstatSync(dirname(path));
  writeFileSync(path, "", { mode: 0o644 });
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
