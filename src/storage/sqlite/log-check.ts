import { existsSync, readFileSync } from "node:fs";
import { PAGE_BYTES } from "./schema.ts";

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const FRAME_BYTES = FRAME_HEADER_BYTES + PAGE_BYTES;
/** A log whose checksums are made of little-endian words, as on every machine that we run on. */
const MAGIC = 0x377f0682;
const INDEX_HEADER_BYTES = 48;
const SECTOR_BYTES = 512;

/** Two sums over pairs of words: SQLite's own checksum of its log. */
type Sums = readonly [number, number];

interface Log {
  readonly bytes: Buffer;
  readonly words: Int32Array;
  readonly frames: number;
  readonly salt: string;
}

/**
 * Whether the write-ahead log has lost something that was acknowledged. SQLite itself takes whatever follows the first
 * bad frame as never written, which is right after a power loss only: there, what is bad lies in the last transaction,
 * as each is on the disk before the next begins.
 *
 * So a bad frame is damage if more than one transaction ends after it, or if the log's index, which is written after
 * the log has reached the disk, knows of frames from there on. What else is bad at the end is dropped by SQLite.
 *
 * @returns what is wrong
 * @see https://www.sqlite.org/walformat.html
 */
export function checkLog(path: string): string | undefined {
  const bytes = readFileSync(`${path}-wal`);
  const frames = Math.floor((bytes.length - HEADER_BYTES) / FRAME_BYTES);
  if (frames <= 0) return checkMissingLog(path);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  const head = add([0, 0], words, 0, 24);
  if (bytes.readUInt32BE(0) !== MAGIC || bytes.readUInt32BE(8) !== PAGE_BYTES || !equals(head, bytes, 24)) return "its header is damaged";
  const log: Log = { bytes, words, frames, salt: bytes.toString("hex", 16, 24) };
  const sound = soundFrames(log, head);
  if (sound === frames) return missing(path, log, sound);
  if (endsAfter(log, sound) > 1) return `frame ${sound + 1} is damaged, and ${endsAfter(log, sound)} transactions end after it`;
  return missing(path, log, sound);
}

/** The same when there is no log, or none with a whole frame: it may have held what the database does not. */
export function checkMissingLog(path: string): string | undefined {
  const { frames, copied } = readLogIndex(path) ?? { frames: 0, copied: 0 };
  return frames > copied ? `${frames - copied} pages that it held are missing` : undefined;
}

/** How many frames from the first on are as they were written. */
function soundFrames(log: Log, head: Sums): number {
  let sums = head;
  for (let frame = 0; frame < log.frames; frame++) {
    const at = HEADER_BYTES + frame * FRAME_BYTES;
    if (!isOfThisLog(log, at)) return frame;
    sums = add(add(sums, log.words, at, 8), log.words, at + FRAME_HEADER_BYTES, PAGE_BYTES);
    if (!equals(sums, log.bytes, at + 16)) return frame;
  }
  return log.frames;
}

/** Transactions that end in `bad` or a frame after it; frames that an older use of the file has left do not count. */
function endsAfter(log: Log, bad: number): number {
  let ends = 0;
  for (let frame = bad; frame < log.frames; frame++) {
    const at = HEADER_BYTES + frame * FRAME_BYTES;
    if (!isOfThisLog(log, at)) continue;
    const isEnd = log.bytes.readUInt32BE(at + 4) > 0; // the size of the database after the transaction; 0 in its other frames
    if (isEnd && (frame === bad ? isInOneSector(at) : continues(log, frame))) ends++;
  }
  return ends;
}

/** Whether a frame follows the sums of the one before it. */
function continues({ words, bytes }: Log, frame: number): boolean {
  const at = HEADER_BYTES + frame * FRAME_BYTES;
  const before = at - FRAME_BYTES + 16;
  const sums = add([bytes.readInt32BE(before), bytes.readInt32BE(before + 4)], words, at, 8);
  return equals(add(sums, words, at + FRAME_HEADER_BYTES, PAGE_BYTES), bytes, at + 16);
}

/** A power loss may leave one sector of a frame's head new, and the next as an older use of the file left it. */
function isInOneSector(at: number): boolean {
  return at % SECTOR_BYTES <= SECTOR_BYTES - FRAME_HEADER_BYTES;
}

function isOfThisLog({ bytes, salt }: Log, at: number): boolean {
  return bytes.toString("hex", at + 8, at + 16) === salt;
}

/** What the index, if it belongs to this log, says of frames beyond the sound ones. */
function missing(path: string, { salt }: Log, sound: number): string | undefined {
  const index = readLogIndex(path);
  return index !== undefined && index.salt === salt && index.frames > sound ? `frame ${sound + 1} of ${index.frames} is damaged or missing` : undefined;
}

interface LogIndex {
  readonly salt: string;
  /** Of committed transactions. */
  readonly frames: number;
  /** Of those, the frames that have been copied into the database. */
  readonly copied: number;
}

function readLogIndex(path: string): LogIndex | undefined {
  const bytes = existsSync(`${path}-shm`) ? readFileSync(`${path}-shm`) : Buffer.alloc(0);
  if (bytes.length < 2 * INDEX_HEADER_BYTES + 4) return undefined;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  const [first, second] = add([0, 0], words, 0, 40);
  if (words[10] !== first || words[11] !== second) return undefined;
  return { salt: bytes.toString("hex", 32, 40), frames: words[4]!, copied: words[24]! };
}

/** @param from where the bytes begin, a multiple of 4 */
function add([a, b]: Sums, words: Int32Array, from: number, bytes: number): Sums {
  let first = a;
  let second = b;
  for (let i = from >> 2, end = (from + bytes) >> 2; i < end; i += 2) {
    first = (first + words[i]! + second) | 0;
    second = (second + words[i + 1]! + first) | 0;
  }
  return [first, second];
}

/** Sums stand in the file as big-endian words. */
function equals([first, second]: Sums, bytes: Buffer, at: number): boolean {
  return bytes.readInt32BE(at) === first && bytes.readInt32BE(at + 4) === second;
}
