import assert from "node:assert/strict";
import { test } from "node:test";

import { CONFIG_MAPS } from "#api/builtin.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { statusError } from "#apimachinery/status-error.ts";
import { Client } from "#client/client.ts";
import { Reflector } from "#client/reflector.ts";
import type { ApiCall, Transport } from "#client/transport.ts";
import { silentLogger } from "#lib/logger.ts";
import { seededRng } from "#lib/rng.ts";
import { SimClock } from "#lib/sim-clock.ts";

const TOTAL = 1200;

/** Answers lists in pages of what is asked for; `refuse` says which of the calls fail. */
function pagingTransport(refuse: (call: number) => boolean = () => false) {
  const asked: (ApiCall["options"] | undefined)[] = [];
  const watched: string[] = [];
  const transport: Transport = {
    async perform({ options }) {
      asked.push(options);
      if (refuse(asked.length)) throw statusError.expired("The provided continue parameter is too old");
      const from = Number(options?.continue ?? 0);
      const end = Math.min(TOTAL, from + options!.limit!);
      const items = Array.from({ length: end - from }, (_, i) => ({ metadata: { name: `c${from + i}`, namespace: "default", resourceVersion: "3" } }));
      return { metadata: { resourceVersion: "7", ...(end < TOTAL && { continue: String(end) }) }, items };
    },
    watch({ resourceVersion }) {
      watched.push(resourceVersion);
      return { stop() {} };
    },
  };
  return { transport, asked, watched };
}

for (const { name, refuse, wantCalls } of [
  { name: "reads a long list in pages, lets others have a turn between them, and hands it on as a whole", refuse: undefined, wantCalls: 3 },
  { name: "begins anew when a page is refused", refuse: (call: number) => call === 2, wantCalls: 5 },
]) {
  test(`Reflector ${name}`, async () => {
    const { transport, asked, watched } = pagingTransport(refuse);
    const clock = new SimClock();
    const states: { names: Set<string>; version: string }[] = [];
    const sink = {
      replaced: (objects: readonly KubeObject[], version: string) =>
        void states.push({ names: new Set(objects.map(({ metadata }) => metadata.name)), version }),
      event: () => assert.fail("no event was sent"),
    };
    const reflector = new Reflector(CONFIG_MAPS, {}, sink, { client: new Client(transport, "test"), clock, rng: seededRng(1), logger: silentLogger });
    reflector.start();
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (i === 5) assert.ok(asked.length === 1, "the second page waits for the clock");
      if (i > 5) clock.advance(1000);
    }
    assert.equal(asked.length, wantCalls);
    assert.deepEqual(
      states.map(({ names, version }) => [names.size, version]),
      [[TOTAL, "7"]],
    );
    assert.deepEqual(watched, ["7"]);
    reflector.stop();
  });
}
