import type { Writable } from "node:stream";

import { BufferPool } from "#lib/buffer-pool.ts";
import { atTurnEnd } from "#lib/turn-end.ts";

/** For the pieces of one turn, put together. */
const pool = new BufferPool();

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
    atTurnEnd(() => this.flush());
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
    const [pieces, bytes] = [this.#pieces, this.#bytes];
    this.#pieces = [];
    this.#bytes = 0;
    if (!this.#socket.writable) return;
    if (pieces.length === 1) this.#socket.write(pieces[0]!);
    else if (!BufferPool.pays(bytes)) this.#socket.write(Buffer.concat(pieces, bytes));
    else this.#writeJoined(pieces, bytes);
  }

  #writeJoined(pieces: readonly Uint8Array[], bytes: number): void {
    const buffer = pool.take(bytes);
    let at = 0;
    for (const piece of pieces) {
      buffer.set(piece, at);
      at += piece.length;
    }
    this.#socket.write(buffer.subarray(0, bytes), () => pool.give(buffer));
  }
}
