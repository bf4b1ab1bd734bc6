const PREFIX_BYTES = 5;

/** A message as it stands in a stream: uncompressed, its length before it. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

/** A message is larger than its reader takes. */
export class MessageTooLargeError extends Error {
  override readonly name = "MessageTooLargeError";
}

/** Finds the messages in a stream's chunks. A large one is put together once, when it is complete. */
export class MessageReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #length = 0;
  /** What `#chunks` must hold before there is more to do. */
  #wanted = PREFIX_BYTES;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * @returns the messages that `chunk` completes; they may share its memory
   * @throws {MessageTooLargeError}
   */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#wanted) return [];
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#length);
    const messages: Buffer[] = [];
    for (;;) {
      this.#wanted = PREFIX_BYTES + (rest.length < PREFIX_BYTES ? 0 : this.#checked(rest.readUInt32BE(1)));
      if (rest.length < this.#wanted) break;
      messages.push(rest.subarray(PREFIX_BYTES, this.#wanted));
      rest = rest.subarray(this.#wanted);
    }
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
    return messages;
  }

  #checked(length: number): number {
    if (length > this.#maxBytes) throw new MessageTooLargeError(`message of ${length} bytes is larger than ${this.#maxBytes}`);
    return length;
  }
}
