import { readFileSync } from "node:fs";

/** How a process gives memory back to the system that it has, and does not need. */
export interface ProcessMemory {
  /** Collects garbage; the heap becomes as small as what lives in it. Takes about a millisecond for each megabyte of that. */
  collectGarbage(): void;
  /** The C library keeps what was freed, in case it is wanted again. */
  releaseFreed(): void;
  /**
   * Programs' and libraries' own code and constants, as far as it is not used any more: most of it ran once, at the start.
   * What is needed again comes back from the page cache, without a disk.
   */
  releaseCode(): void;
}

/** This process's memory. Where Node or the C library lack a function for it, the method does nothing. */
export function ownMemory(): ProcessMemory {
  const library = libraryFunctions();
  return {
    collectGarbage: () => globalThis.gc?.(),
    releaseFreed: () => void library?.malloc_trim(0n),
    releaseCode() {
      if (library === undefined) return;
      // Looked at anew each time: where a library was once, there may be memory in use by now.
      for (const { start, bytes } of unchangedMappings(readFileSync("/proc/self/smaps", "latin1"))) library.madvise(start, bytes, MADV_DONTNEED);
    },
  };
}

const MADV_DONTNEED = 4;

/** Nothing in Node itself reaches these. */
function libraryFunctions() {
  try {
    return process.getBuiltinModule("node:ffi").dlopen("libc.so.6", {
      malloc_trim: { arguments: ["uint64"], return: "int32" },
      madvise: { arguments: ["pointer", "uint64", "int32"], return: "int32" },
    }).functions;
  } catch {
    return undefined; // another C library, or a Node without this module
  }
}

export interface Mapping {
  readonly start: bigint;
  readonly bytes: bigint;
}

/**
 * The read-only mappings of files that hold no page of our own: their pages can be read again. Where the loader has written
 * before it took away the right to write, it has left pages of our own.
 *
 * @param smaps as /proc/PID/smaps has it
 */
export function unchangedMappings(smaps: string): Mapping[] {
  const found: Mapping[] = [];
  let candidate: Mapping | undefined;
  for (const line of smaps.split("\n")) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) r-[-x]p \S+ \S+ [1-9]\d*\s+\/.*(?<! \(deleted\))$/.exec(line);
    if (/^[0-9a-f]+-/.test(line)) candidate = head === null ? undefined : mapping(head[1]!, head[2]!);
    if (candidate !== undefined && /^Anonymous: +0 kB$/.test(line)) found.push(candidate);
  }
  return found;
}

function mapping(from: string, to: string): Mapping {
  const start = BigInt(`0x${from}`);
  return { start, bytes: BigInt(`0x${to}`) - start };
}
