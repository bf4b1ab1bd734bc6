import assert from "node:assert/strict";
import { request as httpsRequest } from "node:https";
import { after, before, beforeEach } from "node:test";
import { setTimeout } from "node:timers/promises";

import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";
import { testPki, type TestPki } from "#test/pki/test-pki.ts";

import { type ConversionWebhook, type Loose, startConversionWebhook } from "./conversion-webhook.ts";

export interface Answer {
  readonly code: number;
  readonly body: Loose;
}

export let hook: ConversionWebhook;
/** The webhook's authority, and a certificate for another webhook. */
export let pki: TestPki;
let api: TestServer;

/** Starts a server and a webhook for the tests of a file. */
export function setUp(): void {
  before(async () => {
    [api, pki] = await Promise.all([startTestServer(), testPki()]);
    hook = await startConversionWebhook(pki.server, convert);
  });
  after(async () => {
    await hook.close();
    await api.close();
  });
  beforeEach(() => {
    hook.instead = undefined;
    hook.asked.length = 0;
  });
}

/** v1 has `spec.address` ("host:port"), v2 has `spec.host` and `spec.port`; v2 says so in a label, too. */
export function convert(object: Loose, desiredAPIVersion: string): Loose {
  const { spec = {}, metadata } = object;
  const next = { ...object, apiVersion: desiredAPIVersion };
  if (desiredAPIVersion.endsWith("/v2")) {
    const [host, port] = String(spec["address"] ?? ":0").split(":");
    const labels = { ...metadata["labels"], shown: "v2" };
    return { ...next, metadata: { ...metadata, labels }, spec: { ...without(spec, "address"), host, port: Number(port) } };
  }
  const labels = without(metadata["labels"] ?? {}, "shown");
  return { ...next, metadata: { ...metadata, labels }, spec: { ...without(spec, "host", "port"), address: `${spec["host"]}:${spec["port"]}` } };
}

const without = (object: Loose, ...names: string[]) => Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

export function open(method: string, path: string, body: object | string | undefined, type: string) {
  const text = typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
  const headers = { "content-type": type, "content-length": Buffer.byteLength(text), "user-agent": "tester/1" };
  const request = httpsRequest(`${api.url}${path}`, { method, ca: api.ca, ...api.admin, agent: false, headers });
  request.end(text);
  return request;
}

export function call(method: string, path: string, body?: object, type = "application/json"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = open(method, path, body, type);
    request.once("error", reject);
    request.once("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ code: response.statusCode!, body: text.startsWith("{") ? (JSON.parse(text) as Loose) : { text } });
      });
    });
  });
}

export const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const text = { type: "string" };
const shape = (fields: object): object => ({
  openAPIV3Schema: {
    type: "object",
    properties: { spec: { type: "object", properties: { ...fields, replicas: { type: "integer" } } }, status: { type: "object", properties: { ready: text } } },
  },
});

interface Wanted {
  readonly reviews?: readonly string[];
  readonly url?: string;
  readonly storage?: string;
  /** The webhook's authority. */
  readonly ca?: string;
}

export function definition(group: string, { reviews = ["v1", "v1beta1"], url = hook.url, storage = "v1", ca = pki.ca }: Wanted = {}): Loose {
  const subresources = { status: {}, scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" } };
  const version = (name: string, fields: object) => ({ name, served: true, storage: name === storage, subresources, schema: shape(fields) });
  const selectableFields = [{ jsonPath: ".spec.host" }];
  return {
    ...{ apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata: { name: `things.${group}` } },
    spec: {
      ...{ group, scope: "Namespaced", names: { plural: "things", kind: "Thing" } },
      versions: [version("v1", { address: text }), { ...version("v2", { host: text, port: { type: "integer", default: 80 } }), selectableFields }],
      conversion: {
        strategy: "Webhook",
        webhook: { clientConfig: { url: `${url}/convert`, caBundle: Buffer.from(ca).toString("base64") }, conversionReviewVersions: reviews },
      },
    },
  };
}

let groups = 0;

/** Defines a kind of its own. @returns its group, and where its objects stand */
export async function defined(wanted: Wanted = {}): Promise<{ group: string; v1: string; v2: string }> {
  const group = `g${++groups}.example.com`;
  assert.equal((await call("POST", CRDS, definition(group, wanted))).code, 201);
  const of = (version: string) => `/apis/${group}/${version}/namespaces/default/things`;
  await until(async () => (await call("GET", of("v1"))).code === 200);
  hook.asked.length = 0;
  return { group, v1: of("v1"), v2: of("v2") };
}

export async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await holds()); waited += POLL_MS) {
    assert.ok(waited < PATIENCE_MS, "what was waited for did not come");
    await setTimeout(POLL_MS);
  }
}

const POLL_MS = 10;
export const PATIENCE_MS = 60_000;

export const v1 = (group: string, name: string, address: string) => ({ apiVersion: `${group}/v1`, kind: "Thing", metadata: { name }, spec: { address } });
export const v2 = (group: string, name: string, host: string, port: number) => ({
  apiVersion: `${group}/v2`,
  kind: "Thing",
  metadata: { name },
  spec: { host, port },
});
