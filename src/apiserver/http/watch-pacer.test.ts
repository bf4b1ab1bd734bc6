import assert from "node:assert/strict";
import { test } from "node:test";
import { SimClock } from "#lib/sim-clock.ts";
import { type PacedStream, WatchPacer } from "./watch-pacer.ts";

class Stream implements PacedStream {
  readonly writes: Buffer[] = [];
  readonly #pacer: WatchPacer;
  #pending: Buffer[] = [];

  constructor(pacer: WatchPacer) {
    this.#pacer = pacer;
  }

  send(frame: Buffer): void {
    if (this.#pending.push(frame) === 1) this.#pacer.add(this);
  }

  takePending(): Buffer[] {
    return this.#pending.splice(0);
  }

  write(bytes: Buffer): void {
    this.writes.push(bytes);
  }

  get texts(): string[] {
    return this.writes.map(String);
  }
}

function world(count: number) {
  const clock = new SimClock();
  const pacer = new WatchPacer(clock);
  const streams = Array.from({ length: count }, () => new Stream(pacer));
  const sendAll = (text: string) => {
    const frame = Buffer.from(text);
    for (const stream of streams) stream.send(frame);
  };
  return { clock, streams, sendAll };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("WatchPacer sends what comes alone within the turn, what comes in one turn together", async () => {
  const { streams, sendAll } = world(1);
  sendAll("a");
  sendAll("b");
  await turn();
  sendAll("c");
  await turn();
  assert.deepEqual(streams[0]!.texts, ["ab", "c"]);
});

test("WatchPacer lets events wait for each other once many watches have been served, 20 ms at most", async () => {
  const { clock, streams, sendAll } = world(5000);
  sendAll("a");
  await turn();
  for (const text of ["b", "c"]) {
    sendAll(text);
    await turn();
    clock.advance(9);
  }
  assert.deepEqual(streams[0]!.texts, ["a"]);
  clock.advance(11);
  assert.deepEqual(streams[4999]!.texts, ["a", "bc"]);
  clock.advance(1000);
  sendAll("d");
  await turn();
  assert.deepEqual(streams[0]!.texts, ["a", "bc", "d"]);
});

test("WatchPacer gives watchers of the same things the same bytes, others their own", async () => {
  const { streams, sendAll } = world(3);
  sendAll("a");
  streams[1]!.send(Buffer.from("x"));
  sendAll("b");
  await turn();
  const [first, second, third] = streams.map(({ writes }) => writes[0]);
  assert.deepEqual([first, second, third].map(String), ["ab", "axb", "ab"]);
  const { streams: same, sendAll: toSame } = world(2);
  toSame("a");
  toSame("b");
  await turn();
  assert.equal(same[0]!.writes[0], same[1]!.writes[0]);
});
