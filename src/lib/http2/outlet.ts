import type { Writable } from "node:stream";

/** What we hand to a socket before it has sent the rest. */
const MAX_BACKLOG_BYTES = 1024 * 1024;

/** Gathers what is to be sent until the turn is over, and writes it at once: frames of many answers in a few TLS records. */
export class Outlet {
  readonly #socket: Writable;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #scheduled = false;

  constructor(socket: Writable) {
    this.#socket = socket;
  }

  readonly send = (piece: Uint8Array): void => {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After all that runs in this turn, promises' continuations included.
    queueMicrotask(() => process.nextTick(() => this.flush()));
  };

  /** Bytes that the socket has not sent. */
  get backlog(): number {
    return this.#bytes + this.#socket.writableLength;
  }

  get full(): boolean {
    return this.backlog > MAX_BACKLOG_BYTES;
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#bytes === 0) return;
    const all = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces, this.#bytes);
    this.#pieces = [];
    this.#bytes = 0;
    if (this.#socket.writable) this.#socket.write(all);
  }
}
