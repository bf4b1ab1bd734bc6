import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";

import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import { atTurnEnd } from "#lib/turn-end.ts";

export interface AuditFileOptions {
  readonly path: string;
  readonly maxBytes: number;
  /** Old files that are kept; 0: all. */
  readonly maxBackups: number;
  /** How long; 0: for ever. */
  readonly maxAgeMs: number;
}

/** A file of lines that is put aside when it is full, under a name with the time. Lines of one turn are written together. */
export class AuditFile {
  readonly #options: AuditFileOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #pending: string[] = [];
  #fd: number | undefined;
  #bytes = 0;

  constructor(options: AuditFileOptions, { clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#options = options;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** @throws when it cannot be written to */
  open(): void {
    mkdirSync(dirname(this.#options.path), { recursive: true });
    this.#fd = openSync(this.#options.path, "a", 0o600);
    this.#bytes = fstatSync(this.#fd).size;
  }

  add(line: string): void {
    if (this.#pending.push(line) === 1) atTurnEnd(() => this.flush());
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    const bytes = Buffer.from(this.#pending.join(""));
    try {
      if (this.#fd === undefined) this.open();
      if (this.#bytes > 0 && this.#bytes + bytes.length > this.#options.maxBytes) this.#putAside();
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd!, bytes, at);
      this.#bytes += bytes.length;
    } catch (error) {
      this.#logger.error("audit events could not be written", { events: this.#pending.length, path: this.#options.path, error });
    }
    this.#pending = [];
  }

  close(): void {
    this.flush();
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #putAside(): void {
    const { path } = this.#options;
    closeSync(this.#fd!);
    this.#fd = undefined;
    const stamp = new Date(this.#clock.now()).toISOString().replace(/[:.]/g, "-").replace("Z", "");
    let aside = `${this.#stem}-${stamp}${extname(path)}`;
    for (let n = 1; statSync(aside, { throwIfNoEntry: false }) !== undefined; n++) aside = `${this.#stem}-${stamp}-${n}${extname(path)}`;
    renameSync(path, aside);
    this.open();
    this.#forgetOld();
  }

  get #stem(): string {
    const { path } = this.#options;
    return path.slice(0, path.length - extname(path).length);
  }

  #forgetOld(): void {
    const { path, maxBackups, maxAgeMs } = this.#options;
    const dir = dirname(path);
    const prefix = `${basename(this.#stem)}-2`;
    const old = readdirSync(dir)
      .filter((name) => name.startsWith(prefix) && name.endsWith(extname(path)))
      .sort()
      .map((name) => join(dir, name));
    const surplus = maxBackups > 0 ? old.slice(0, -maxBackups) : [];
    const stale = maxAgeMs > 0 ? old.filter((file) => statSync(file).mtimeMs < this.#clock.now() - maxAgeMs) : [];
    for (const file of new Set([...surplus, ...stale])) rmSync(file, { force: true });
  }
}
