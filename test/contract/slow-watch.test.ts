import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { after, before, test } from "node:test";

import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";

const PIECE = "x".repeat(900_000);
/** More in all than a client may leave unread. */
const PIECES = 24;
const PATH = "/api/v1/namespaces/default/configmaps";

let server: TestServer;
let agent: Agent;

before(async () => {
  server = await startTestServer();
  agent = new Agent({ ca: server.ca, ...server.admin });
});
after(async () => {
  agent.destroy();
  await server.close();
});

async function send(method: string, path: string, body?: object): Promise<IncomingMessage> {
  const text = body === undefined ? "" : JSON.stringify(body);
  const headers = { "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json", "content-length": Buffer.byteLength(text) };
  const sent = request(new URL(path, server.url), { method, agent, headers });
  sent.end(text);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return response;
}

async function write(method: string, path: string, body: object): Promise<void> {
  const response = await send(method, path, body);
  response.resume();
  await once(response, "end");
  assert.ok(response.statusCode! < 300, `${method} ${path}: ${response.statusCode}`);
}

const wide = (name: string) => ({ metadata: { name }, data: { piece: PIECE } });

test("a watch gives its initial events whole, however many, to a client that begins to read late", async () => {
  for (let i = 0; i < PIECES; i++) await write("POST", PATH, wide(`wide-${i}`));
  const watch = await send("GET", `${PATH}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=30`);
  await write("PATCH", `${PATH}/wide-0`, { metadata: { labels: { late: "yes" } } });
  const names = new Set<string>();
  for await (const event of eventsOf(watch)) {
    if (event.type === "ADDED") names.add(event.object.metadata.name);
    if (event.object.metadata.labels?.["late"] === "yes") break;
  }
  assert.equal([...names].filter((name) => name.startsWith("wide-")).length, PIECES);
});

test("a watch that nobody reads is cut, and another loses nothing", async () => {
  const deaf = await send("GET", `${PATH}?watch=1&resourceVersion=0&timeoutSeconds=60`);
  const from = await send("GET", `${PATH}?limit=1`);
  const { resourceVersion } = (JSON.parse(await textOf(from)) as { metadata: { resourceVersion: string } }).metadata;
  const listening = await send("GET", `${PATH}?watch=1&resourceVersion=${resourceVersion}&timeoutSeconds=60`);
  const seen = (async () => {
    let count = 0;
    for await (const event of eventsOf(listening)) if (event.type === "MODIFIED" && ++count === 2 * PIECES) return count;
    return count;
  })();
  for (let i = 0; i < 2 * PIECES; i++) await write("PATCH", `${PATH}/wide-${i % PIECES}`, { metadata: { labels: { turn: String(i) } } });
  assert.equal(await seen, 2 * PIECES);
  await assert.rejects(textOf(deaf), "the server kept a connection that nobody read");
});

interface Event {
  readonly type: string;
  readonly object: { readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> } };
}

async function* eventsOf(response: IncomingMessage): AsyncGenerator<Event> {
  let rest = "";
  response.setEncoding("utf8");
  for await (const chunk of response) {
    const lines = (rest + String(chunk)).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line) as Event;
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return text;
}
