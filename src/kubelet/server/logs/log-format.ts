/** Which part of a log is wanted, and how. */
export interface LogOptions {
  readonly follow: boolean;
  readonly timestamps: boolean;
  /** The last lines of the file; parts of a long line count one each, as upstream counts them. */
  readonly tailLines?: number | undefined;
  /** Milliseconds since the epoch; older lines are left out. */
  readonly sinceMs?: number | undefined;
  readonly limitBytes?: number | undefined;
}

const NEWLINE = 0x0a;
const SPACE = 0x20;
const NO_BYTES = Buffer.alloc(0);

/**
 * Turns the lines of a CRI log, `2006-01-02T15:04:05.000000000Z stdout F text`, into what the container wrote.
 * A line may arrive in several chunks.
 *
 * @see staging/src/k8s.io/cri-client/pkg/logs/logs.go
 */
export class LogFormat {
  readonly #options: LogOptions;
  #pending: Buffer = NO_BYTES;
  #atLineStart = true;
  #bytesLeft: number;
  #linesLeft: number;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#bytesLeft = options.limitBytes ?? Number.POSITIVE_INFINITY;
    this.#linesLeft = options.follow ? Number.POSITIVE_INFINITY : (options.tailLines ?? Number.POSITIVE_INFINITY);
  }

  /** Whether nothing more is wanted. */
  get done(): boolean {
    return this.#bytesLeft <= 0 || this.#linesLeft <= 0;
  }

  /** @returns the output of the lines that `chunk` completes; the rest waits for the next chunk */
  feed(chunk: Buffer): Buffer {
    const output: Buffer[] = [];
    let data = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    for (let end = data.indexOf(NEWLINE); end >= 0 && !this.done; end = data.indexOf(NEWLINE)) {
      this.#line(data.subarray(0, end + 1), output);
      data = data.subarray(end + 1);
    }
    // A copy: the reader uses its buffer again.
    this.#pending = Buffer.from(data);
    return Buffer.concat(output);
  }

  /** A file that ends inside a line: its text is output as it is. */
  finish(): Buffer {
    const output: Buffer[] = [];
    if (this.#pending.length > 0 && !this.done) this.#line(this.#pending, output);
    this.#pending = NO_BYTES;
    return Buffer.concat(output);
  }

  #line(line: Buffer, output: Buffer[]): void {
    const timeEnd = line.indexOf(SPACE);
    const streamEnd = line.indexOf(SPACE, timeEnd + 1);
    const tagsEnd = line.indexOf(SPACE, streamEnd + 1);
    if (timeEnd < 0 || streamEnd < 0 || tagsEnd < 0) return; // not a log line: upstream skips it too
    const partial = line[streamEnd + 1] === "P".charCodeAt(0);
    const hasEnd = line[line.length - 1] === NEWLINE;
    const text = line.subarray(tagsEnd + 1, partial && hasEnd ? line.length - 1 : line.length);
    const { sinceMs, timestamps } = this.#options;
    if (sinceMs === undefined || Date.parse(line.toString("latin1", 0, timeEnd)) >= sinceMs) {
      if (timestamps && this.#atLineStart) this.#write(line.subarray(0, timeEnd + 1), output);
      this.#write(text, output);
    }
    this.#linesLeft--;
    this.#atLineStart = text.length === 0 || text[text.length - 1] === NEWLINE;
  }

  #write(bytes: Buffer, output: Buffer[]): void {
    const taken = bytes.subarray(0, this.#bytesLeft);
    output.push(taken);
    this.#bytesLeft -= taken.length;
  }
}
