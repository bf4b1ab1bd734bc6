import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { KubeObject } from "#apimachinery/object.ts";
import { WatchCache } from "#apiserver/cache/watch-cache.ts";
import { Exchange, type Incoming, type Outgoing } from "#apiserver/http/exchange.ts";
import { listQuery, parseQuery } from "#apiserver/http/query.ts";
import { framesOf, type Shape } from "#apiserver/http/watch-frames.ts";
import { WatchPacer } from "#apiserver/http/watch-pacer.ts";
import { BookmarkTicker, serveWatch, WatchBudget } from "#apiserver/http/watch-stream.ts";
import { ResourceTable } from "#apiserver/registry/resource-table.ts";
import { silentLogger } from "#lib/logger.ts";
import { SimClock } from "#lib/sim-clock.ts";
import { createMemoryStore } from "#storage/memory/memory-store.ts";

/** Keeps what it is sent. */
class Response extends EventEmitter {
  headersSent = false;
  writableEnded = false;
  writableFinished = false;
  writableLength = 0;
  text = "";

  writeHead(): this {
    this.headersSent = true;
    return this;
  }

  flushHeaders(): void {}

  write(chunk: Uint8Array): boolean {
    this.text += Buffer.from(chunk).toString();
    return true;
  }

  end(): void {
    this.writableEnded = true;
  }
}

async function world() {
  const clock = new SimClock();
  const cache = await WatchCache.open(createMemoryStore(), { clock, logger: silentLogger });
  const response = new Response();
  const exchange = new Exchange({ url: "/", headers: {} } as Incoming, response as unknown as Outgoing);
  const served = new ResourceTable().get("", "v1", "configmaps")!;
  const budget = new WatchBudget();
  const deps = { cache, clock, rng: () => 0, bookmarks: new BookmarkTicker(clock), budget, pacer: new WatchPacer(clock) };
  const watch = (shape?: Shape) => {
    let isOver = false;
    void serveWatch(exchange, served, "", listQuery(parseQuery("watch=1&resourceVersion=0")), framesOf({ format: "json" }, served, shape), deps).then(
      () => (isOver = true),
    );
    return () => isOver;
  };
  const put = (name: string) => {
    const object = { kind: "ConfigMap", apiVersion: "v1", metadata: { name, namespace: "a" } } as KubeObject;
    return cache.commit([{ key: `${served.prefix}a/${name}`, object, expected: 0 }]);
  };
  return { response, watch, put };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("serveWatch() is over at once for a client that went away before it was served", async () => {
  const { response, watch, put } = await world();
  response.emit("close");
  const isOver = watch();
  await turn();
  assert.ok(isOver());
  await put("x");
  await turn();
  assert.equal(response.text, "");
});

test("serveWatch() tells of an event that cannot be shown, and ends: a client that hears nothing would wait for long", async () => {
  const { response, watch, put } = await world();
  const isOver = watch((object) => {
    if (object.metadata.name === "bad") throw new Error("it is broken");
    return object;
  });
  for (const name of ["good", "bad", "late"]) await put(name);
  await turn();
  const events = response.text.trim().split("\n");
  assert.deepEqual(
    events.map((line) => (JSON.parse(line) as { type: string }).type),
    ["ADDED", "ERROR"],
  );
  assert.match(events[1]!, /it is broken/);
  assert.ok(response.writableEnded && isOver());
});
