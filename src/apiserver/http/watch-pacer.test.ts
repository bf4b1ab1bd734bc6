import assert from "node:assert/strict";
import { test } from "node:test";
import { SimClock } from "#lib/sim-clock.ts";
import { type PacedStream, WatchPacer } from "./watch-pacer.ts";

class Stream implements PacedStream {
  readonly writes: Buffer[] = [];
  sharers = 0;
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

  write(bytes: Buffer, sharers: number): void {
    this.writes.push(bytes);
    this.sharers = sharers;
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
  const { streams, sendAll } = world(5);
  sendAll("a");
  streams[2]!.send(Buffer.from("x"));
  sendAll("b");
  await turn();
  const writes = streams.map(({ writes: [first] }) => first);
  assert.deepEqual(writes.map(String), ["ab", "ab", "axb", "ab", "ab"]);
  assert.equal(writes[0], writes[1]);
  assert.equal(writes[3], writes[4]);
  assert.deepEqual(
    streams.map(({ sharers }) => sharers),
    [2, 2, 1, 2, 2],
  );
});
