import { closeSync, constants, openSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";

import type { Clock } from "#lib/clock.ts";
import { runCommand } from "#lib/run-command.ts";

export interface FifoPaths {
  readonly dir: string;
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Makes named pipes for processes in containers, one set ahead, since it takes a program to make one. */
export class FifoMaker {
  readonly #dir: string;
  readonly #clock: Clock;
  #made = 0;
  #spare: Promise<FifoPaths> | undefined;

  /** @param dir a folder of our own; what an earlier process left in it is removed */
  constructor(dir: string, clock: Clock) {
    this.#dir = dir;
    this.#clock = clock;
  }

  async open(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    this.#prepare();
  }

  /** A set that nobody else uses; the taker removes it. */
  async take(): Promise<FifoPaths> {
    const spare = this.#spare;
    this.#spare = undefined;
    const taken = await (spare ?? this.#make());
    this.#prepare();
    return taken;
  }

  async close(): Promise<void> {
    await this.#spare?.catch(() => {});
    await rm(this.#dir, { recursive: true, force: true });
  }

  #prepare(): void {
    this.#spare ??= this.#make();
    // One that fails is seen by its taker.
    this.#spare.catch(() => {});
  }

  async #make(): Promise<FifoPaths> {
    const dir = join(this.#dir, String(++this.#made));
    const paths = { dir, stdin: join(dir, "stdin"), stdout: join(dir, "stdout"), stderr: join(dir, "stderr") };
    await mkdir(dir, { mode: 0o700 });
    await runCommand(this.#clock, "mkfifo", ["-m", "600", paths.stdin, paths.stdout, paths.stderr]);
    return paths;
  }
}

/** The reading end; it ends when all writers have closed theirs, and not before there was one. */
export function openReader(path: string): Socket {
  return socketOf(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), { readable: true, writable: false });
}

/** The writing end. Opened for reading too: otherwise it could not be opened before there is a reader. */
export function openWriter(path: string): Socket {
  return socketOf(openSync(path, constants.O_RDWR | constants.O_NONBLOCK), { readable: false, writable: true });
}

/** As sockets, pipes are polled by the event loop; as files, each would hold a thread of the pool while it waits. */
function socketOf(fd: number, ends: { readonly readable: boolean; readonly writable: boolean }): Socket {
  try {
    return new Socket({ fd, ...ends });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
