import { Worker } from "node:worker_threads";
import { StoreFullError } from "../store.ts";
import type { WriterAnswer, WriterRequest } from "./protocol.ts";

interface Waiting {
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
  request(request: WriterRequest, transfer: ArrayBuffer[] = []): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ resolve, reject }) === 1) this.#worker.ref(); // an open store alone keeps no process alive
      this.#worker.postMessage(request, transfer);
    });
  }

  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    await this.request({ kind: "close" });
    await this.#worker.terminate();
  }

  #settle(answer: WriterAnswer): void {
    const { resolve, reject } = this.#waiting.shift()!;
    if (this.#waiting.length === 0) this.#worker.unref();
    if (answer.ok) return resolve();
    reject(answer.full ? new StoreFullError(`no room to write: ${answer.message}`) : new Error(`the database refused a write: ${answer.message}`));
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }
}
