import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";
import { after, before, test } from "node:test";

import packet, { type Answer } from "dns-packet";
import { silentLogger } from "#lib/logger.ts";
import { seededRng } from "#lib/rng.ts";
import { systemClock } from "#lib/system-clock.ts";

import type { ClusterRecords } from "./cluster-zone.ts";
import { Forwarder, framed } from "./forwarder.ts";
import { startDnsServer } from "./server.ts";

const records: ClusterRecords = {
  isComplete: () => true,
  service: () => undefined,
  slices: () => [],
  hasNamespace: () => false,
  serviceByIp: () => undefined,
  endpointByIp: () => undefined,
};
const MANY = Array.from({ length: 100 }, (_, i): Answer => ({ type: "A", name: "many.example", ttl: 1, data: `192.0.2.${i}` }));

/** Plays the host's resolver: cuts its answers by UDP, as they are too long. */
const outside = async (query: Buffer): Promise<Buffer> => {
  const { id = 0, questions = [] } = packet.decode(query);
  return packet.encode({ type: "response", id, questions, answers: MANY });
};

let port = 0;
let stop: () => Promise<void>;

before(async () => {
  port = await freePort();
  const server = await startDnsServer({ zone: { domain: "cluster.local", records, forward: outside }, addresses: ["127.0.0.1"], port, logger: silentLogger });
  stop = server.stop;
});
after(() => stop());

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

const forwarder = () => new Forwarder({ resolvers: () => ["127.0.0.1#1", `127.0.0.1#${port}`], clock: systemClock, rng: seededRng(1) });

test("Forwarder takes the next resolver when one does not answer, and keeps the client's id", async () => {
  const query = packet.encode({ type: "query", id: 99, questions: [{ type: "A", name: "none.cluster.local" }] });
  const answer = packet.decode(await forwarder().forward(query));
  assert.equal(answer.id, 99);
  assert.equal((answer as { rcode?: string }).rcode, "NXDOMAIN");
});

test("Forwarder gets a long answer whole, by TCP when UDP cuts it", async () => {
  const query = packet.encode({ type: "query", id: 5, questions: [{ type: "A", name: "many.example" }] });
  assert.equal(packet.decode(await forwarder().forward(query)).answers?.length, MANY.length);
});

test("startDnsServer() stops in peace while a query is with the resolvers, by UDP and by TCP", async () => {
  const asked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const answered = Promise.withResolvers<void>();
  let count = 0;
  const forward = async (query: Buffer) => {
    asked[count++]!.resolve();
    await answered.promise;
    return outside(query);
  };
  const ownPort = await freePort();
  const server = await startDnsServer({ zone: { domain: "cluster.local", records, forward }, addresses: ["127.0.0.1"], port: ownPort, logger: silentLogger });
  const query = packet.encode({ type: "query", id: 7, questions: [{ type: "A", name: "slow.example" }] });
  const udp = createSocket("udp4");
  udp.send(query, ownPort, "127.0.0.1");
  const tcp = connect(ownPort, "127.0.0.1", () => tcp.write(framed(query)));
  await Promise.all(asked.map(({ promise }) => promise));
  await server.stop();
  answered.resolve();
  await new Promise((resolve) => setImmediate(resolve)); // a failed send would be an unhandled rejection by now
  udp.close();
  tcp.destroy();
});
