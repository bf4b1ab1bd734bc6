import { Worker } from "node:worker_threads";
import { StoreFullError } from "../store.ts";
import type { PackedRows, WriterAnswer, WriterFault, WriterRequest } from "./protocol.ts";

interface Waiting {
  readonly take: ((rows: PackedRows) => void) | undefined;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The main thread's end of the writer thread. */
export class WriterThread {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #ended: Error | undefined;

  constructor(entry: URL | string) {
    this.#worker = new Worker(entry, { name: "sqlite-writer" });
    this.#worker.on("message", (answer: WriterAnswer) => this.#settle(answer));
    this.#worker.on("error", (error: unknown) => this.#end(new Error("the database writer failed", { cause: error })));
    this.#worker.on("exit", () => this.#end(new Error("the database writer has ended")));
    this.#worker.unref();
  }

  /** @throws {StoreFullError} when there is no room */
  request(request: WriterRequest, transfer: ArrayBuffer[] = [], take?: (rows: PackedRows) => void): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ resolve, reject, take }) === 1) this.#worker.ref(); // an open store alone keeps no process alive
      this.#worker.postMessage(request, transfer);
    });
  }

  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    await this.request({ kind: "close" });
    await this.#worker.terminate();
  }

  #settle(answer: WriterAnswer): void {
    if (answer.ok && answer.rows !== undefined) return this.#waiting[0]!.take?.(answer.rows);
    const { resolve, reject } = this.#waiting.shift()!;
    if (this.#waiting.length === 0) this.#worker.unref();
    if (answer.ok) return resolve();
    reject(errorOf(answer));
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }
}

/** What a check of the database has found wrong. */
export class DamageFoundError extends Error {
  override readonly name = "DamageFoundError";
}

function errorOf({ fault, message }: { readonly fault: WriterFault; readonly message: string }): Error {
  if (fault === "full") return new StoreFullError(`no room to write: ${message}`);
  return fault === "corrupt" ? new DamageFoundError(message) : new Error(`the database refused a write: ${message}`);
}
