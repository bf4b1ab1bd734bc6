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

/** Sets that one call of the program makes: it costs more than many pipes. */
const BATCH = 8;

/** Makes named pipes for processes in containers, ahead of their use, since it takes a program to make them. */
export class FifoMaker {
  readonly #dir: string;
  readonly #clock: Clock;
  readonly #spare: FifoPaths[] = [];
  #made = 0;
  #making: Promise<void> | undefined;

  /** @param dir a folder of our own; what an earlier process left in it is removed */
  constructor(dir: string, clock: Clock) {
    this.#dir = dir;
    this.#clock = clock;
  }

  async open(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    // One that fails is seen by who needs it.
    this.#makeMore().catch(() => {});
  }

  /** A set that nobody else uses; the taker removes it. */
  async take(): Promise<FifoPaths> {
    let taken = this.#spare.pop();
    while (taken === undefined) {
      await this.#makeMore();
      taken = this.#spare.pop();
    }
    return taken;
  }

  async close(): Promise<void> {
    await this.#making?.catch(() => {});
    await rm(this.#dir, { recursive: true, force: true });
  }

  #makeMore(): Promise<void> {
    this.#making ??= this.#makeBatch().finally(() => (this.#making = undefined));
    return this.#making;
  }

  async #makeBatch(): Promise<void> {
    const sets = Array.from({ length: BATCH }, () => pathsIn(join(this.#dir, String(++this.#made))));
    await Promise.all(sets.map(({ dir }) => mkdir(dir, { mode: 0o700 })));
    const names = sets.flatMap(({ stdin, stdout, stderr }) => [stdin, stdout, stderr]);
    await runCommand(this.#clock, "mkfifo", ["-m", "600", ...names]);
    this.#spare.push(...sets);
  }
}

const pathsIn = (dir: string): FifoPaths => ({ dir, stdin: join(dir, "stdin"), stdout: join(dir, "stdout"), stderr: join(dir, "stderr") });

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
