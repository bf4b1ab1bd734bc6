import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";

export const GROUP = "wardle.example.com";
export const VERSION = "v1alpha1";
const ROOT = `/apis/${GROUP}/${VERSION}`;
const API_VERSION = `${GROUP}/${VERSION}`;

/** What the ConfigMap `kube-system/extension-apiserver-authentication` says. */
export type AuthenticationData = Readonly<Record<string, string>>;

interface Flunder {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly resourceVersion?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** A request that was believed, and one that was not. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly user: string;
  readonly groups: readonly string[];
  readonly headers: IncomingHttpHeaders;
}

export interface ExtensionServer {
  readonly port: number;
  readonly asked: readonly Asked[];
  /** How many watches there are. */
  watching(): number;
  /** Whether it says what it has in one document. */
  hasAggregatedDiscovery: boolean;
  close(): Promise<void>;
}

const RESOURCE = {
  name: "flunders",
  singularName: "flunder",
  namespaced: true,
  kind: "Flunder",
  verbs: ["create", "delete", "get", "list", "watch"],
  shortNames: ["fl"],
  categories: ["all"],
};

/**
 * An API server of somebody else's, over TLS: it keeps `flunders` in memory, and believes the front proxy alone, by what the
 * ConfigMap says of it.
 */
export async function startExtensionServer(tls: { readonly cert: string; readonly key: string }, authentication: AuthenticationData): Promise<ExtensionServer> {
  const flunders = new Map<string, Flunder>();
  const watchers = new Set<ServerResponse>();
  const asked: Asked[] = [];
  let revision = 0;
  const state = { hasAggregatedDiscovery: true };
  const proxyCa = authentication["requestheader-client-ca-file"] ?? "";
  const allowedNames = JSON.parse(authentication["requestheader-allowed-names"] ?? "[]") as readonly string[];
  const first = (key: string) => (JSON.parse(authentication[key] ?? '[""]') as readonly string[])[0]!.toLowerCase();
  const [userHeader, groupHeader] = [first("requestheader-username-headers"), first("requestheader-group-headers")];

  const isProxy = (socket: TLSSocket) => socket.authorized && allowedNames.includes(String(socket.getPeerCertificate().subject?.CN));
  const tell = (type: string, object: Flunder) => {
    for (const watcher of watchers) watcher.write(`${JSON.stringify({ type, object })}\n`);
  };

  const server: Server = createServer({ ...tls, ca: proxyCa, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    void answer(request, response);
  });
  server.on("upgrade", (request, socket) => {
    const user = String(request.headers[userHeader]);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\nhello ${user}\n`);
    socket.pipe(socket);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname: path, searchParams: query } = new URL(request.url!, "https://any");
    const send = (code: number, value: object, headers: Record<string, string> = {}) =>
      response.writeHead(code, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
    if (!isProxy(request.socket as TLSSocket))
      return void send(401, { kind: "Status", apiVersion: "v1", status: "Failure", code: 401, reason: "Unauthorized" });
    const groups = request.rawHeaders.flatMap((name, i, all) => (i % 2 === 0 && name.toLowerCase() === groupHeader ? [all[i + 1]!] : []));
    asked.push({ method: request.method!, path: request.url!, user: String(request.headers[userHeader]), groups, headers: request.headers });
    if (path === "/apis" && state.hasAggregatedDiscovery) return void send(200, DISCOVERY, { "content-type": AGGREGATED });
    if (path === "/apis") return void send(200, { kind: "APIGroupList", apiVersion: "v1", groups: [] });
    if (path === ROOT) return void send(200, { kind: "APIResourceList", apiVersion: "v1", groupVersion: API_VERSION, resources: [RESOURCE] });
    if (path === "/openapi/v3") return void send(200, { paths: { [ROOT.slice(1)]: { serverRelativeURL: `/openapi/v3${ROOT}?hash=ABC` } } });
    if (path === `/openapi/v3${ROOT}`) return void send(200, OPENAPI_V3, { etag: '"ABC"' });
    if (path === "/openapi/v2") return void send(200, OPENAPI_V2, { etag: '"DEF"' });
    if (path === `${ROOT}/elsewhere/away`) return void response.writeHead(302, { location: "https://192.0.2.1/" }).end();
    const match = /^\/apis\/[^/]+\/[^/]+(?:\/namespaces\/([^/]+))?\/flunders(?:\/([^/]+))?$/.exec(path);
    if (match === null) return void send(404, status(404, "NotFound", "the server could not find the requested resource"));
    const [, namespace = "", name = ""] = match;
    const here = () => [...flunders.values()].filter(({ metadata }) => namespace === "" || metadata.namespace === namespace);
    if (request.method === "GET" && query.get("watch") === "true") {
      response.writeHead(200, { "content-type": "application/json" });
      watchers.add(response);
      response.once("close", () => watchers.delete(response));
      for (const object of query.get("resourceVersion") ? [] : here()) response.write(`${JSON.stringify({ type: "ADDED", object })}\n`);
      return response.flushHeaders();
    }
    const list = { kind: "FlunderList", apiVersion: API_VERSION, metadata: { resourceVersion: String(revision) } };
    if (request.method === "GET" && name === "") return void send(200, { ...list, items: here() });
    if (request.method === "POST") {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const given = JSON.parse(Buffer.concat(chunks).toString()) as Flunder;
      const metadata = { ...given.metadata, namespace, uid: `uid-${++revision}`, resourceVersion: String(revision), creationTimestamp: "2026-01-01T00:00:00Z" };
      const made = { ...given, apiVersion: API_VERSION, kind: "Flunder", metadata };
      flunders.set(`${namespace}/${metadata.name}`, made);
      tell("ADDED", made);
      return void send(201, made);
    }
    const found = flunders.get(`${namespace}/${name}`);
    if (found === undefined) return void send(404, status(404, "NotFound", `flunders.${GROUP} ${JSON.stringify(name)} not found`));
    if (request.method !== "DELETE") return void send(200, found);
    flunders.delete(`${namespace}/${name}`);
    tell("DELETED", found);
    return void send(200, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" });
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return Object.assign(state, { port: (server.address() as AddressInfo).port, asked, watching: () => watchers.size, close });
}

const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const { name: resource, singularName: singularResource, verbs, shortNames, categories } = RESOURCE;
const DISCOVERED = {
  resource,
  responseKind: { group: "", version: "", kind: "Flunder" },
  scope: "Namespaced",
  singularResource,
  verbs,
  shortNames,
  categories,
};
const DISCOVERY = {
  kind: "APIGroupDiscoveryList",
  apiVersion: "apidiscovery.k8s.io/v2",
  metadata: {},
  items: [{ metadata: { name: GROUP }, versions: [{ version: VERSION, resources: [DISCOVERED], freshness: "Current" }] }],
};

function status(code: number, reason: string, message: string): object {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code };
}

const NAME = "com.example.wardle.v1alpha1.Flunder";
const KINDS = [{ group: GROUP, version: VERSION, kind: "Flunder" }];
const FLUNDER = {
  type: "object",
  description: "A flunder is a thing of this server's.",
  properties: {
    apiVersion: { type: "string" },
    kind: { type: "string" },
    metadata: { type: "object" },
    spec: { type: "object", properties: { reference: { type: "string", description: "What it refers to." } } },
  },
  "x-kubernetes-group-version-kind": KINDS,
};
const PATH = `${ROOT}/namespaces/{namespace}/flunders`;
const OPERATION = { operationId: "createFlunder", "x-kubernetes-action": "post", "x-kubernetes-group-version-kind": KINDS[0] };
const OPENAPI_V3 = {
  openapi: "3.0.0",
  info: { title: "Wardle", version: "1" },
  paths: {
    [PATH]: {
      post: {
        ...OPERATION,
        requestBody: { content: { "application/json": { schema: { $ref: `#/components/schemas/${NAME}` } } } },
        responses: { "200": { description: "OK" } },
      },
    },
  },
  components: { schemas: { [NAME]: FLUNDER } },
};
const OPENAPI_V2 = {
  swagger: "2.0",
  info: { title: "Wardle", version: "1" },
  paths: {
    [PATH]: {
      post: {
        ...OPERATION,
        parameters: [{ name: "body", in: "body", required: true, schema: { $ref: `#/definitions/${NAME}` } }],
        responses: { "200": { description: "OK" } },
      },
    },
    "/apis/": { get: { responses: { "200": { description: "not this group's" } } } },
  },
  definitions: { [NAME]: FLUNDER, "io.k8s.not.Used": { type: "object" } },
};
