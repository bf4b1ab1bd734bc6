import { watch } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";

import { LogFormat, type LogOptions } from "./log-format.ts";
import { tailStart } from "./tail-start.ts";

const CHUNK_BYTES = 64 * 1024;

export interface LogSource {
  readonly path: string;
  /** Resolves when the container has ended and all that it wrote is in the file. Asked only when following. */
  ended(signal: AbortSignal): Promise<void>;
}

/**
 * What a container wrote, in pieces. A follower sleeps until the file changes, goes on in the next file after a
 * rotation, and ends with the container.
 *
 * @throws an error of the file system when there is no log
 */
export async function* readLog({ path, ended }: LogSource, options: LogOptions, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  const reading = new OpenLog(await open(path, "r"));
  const format = new LogFormat(options);
  const follower = options.follow ? new Follower(path, ended, signal) : undefined;
  try {
    if (options.tailLines !== undefined) await reading.skipTo(options.tailLines);
    for (;;) {
      // Asked before reading: what came until then is in the file.
      const last = follower === undefined || follower.ended;
      yield* reading.rest(format, signal);
      if (format.done || signal.aborted) return;
      if (follower !== undefined && (await reading.rotated(path))) {
        yield* reading.rest(format, signal);
        await reading.reopen(path);
        continue;
      }
      if (last) return void (yield* nonEmpty(format.finish()));
      await follower?.change();
    }
  } finally {
    follower?.stop();
    await reading.close();
  }
}

class OpenLog {
  readonly #buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  #file: FileHandle;
  #offset = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async skipTo(tailLines: number): Promise<void> {
    this.#offset = await tailStart(this.#file, tailLines);
  }

  /** Everything up to the present end of the file. */
  async *rest(format: LogFormat, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    while (!format.done && !signal.aborted) {
      const { bytesRead } = await this.#file.read(this.#buffer, 0, CHUNK_BYTES, this.#offset);
      if (bytesRead === 0) return;
      this.#offset += bytesRead;
      yield* nonEmpty(format.feed(this.#buffer.subarray(0, bytesRead)));
    }
  }

  /** Whether `path` is another file by now. A missing one is not there yet. */
  async rotated(path: string): Promise<boolean> {
    const [now, mine] = await Promise.all([stat(path).catch(() => undefined), this.#file.stat()]);
    return now !== undefined && now.ino !== mine.ino;
  }

  async reopen(path: string): Promise<void> {
    const next = await open(path, "r");
    await this.#file.close();
    this.#file = next;
    this.#offset = 0;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Tells when there may be more to read. */
class Follower {
  readonly #stop: () => void;
  #changed = true;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(path: string, ended: LogSource["ended"], signal: AbortSignal) {
    const stopping = new AbortController();
    const touch = () => {
      this.#changed = true;
      this.#wake?.();
    };
    const end = () => {
      this.#ended = true;
      touch();
    };
    const name = basename(path);
    const watcher = watch(dirname(path), (_event, changed) => {
      if (changed === null || changed === name) touch();
    });
    watcher.on("error", end);
    ended(stopping.signal).then(end, end);
    signal.addEventListener("abort", touch, { once: true });
    this.#stop = () => {
      signal.removeEventListener("abort", touch);
      watcher.close();
      stopping.abort();
    };
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves at the first change since the last call. */
  async change(): Promise<void> {
    if (!this.#changed) await new Promise<void>((resolve) => void (this.#wake = resolve));
    this.#wake = undefined;
    this.#changed = false;
  }

  stop(): void {
    this.#stop();
  }
}

function* nonEmpty(bytes: Buffer): Generator<Buffer, void, undefined> {
  if (bytes.length > 0) yield bytes;
}
