import { request as httpRequest, type ClientRequest, type OutgoingHttpHeaders, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { posix } from "node:path";

import { ENDPOINTS, SERVICES } from "#api/builtin.ts";
import { bodyStream } from "#apiserver/http/exchange.ts";
import { failure, statusError } from "#apimachinery/status-error.ts";
import { PODS } from "#api/builtin.ts";
import type { ConnectRequest, SubresourceHandler } from "#apiserver/registry/subresource.ts";
import { dialError, type KubeletAddress } from "#apiserver/streaming/kubelet-dialer.ts";
import type { StreamingDeps } from "#apiserver/streaming/handlers.ts";
import { podNamed } from "#apiserver/streaming/pod-target.ts";
import { sendProxied } from "#apiserver/streaming/proxied-answer.ts";
import type { ProxiedPage } from "#apiserver/streaming/rewrite-links.ts";
import { awaitAnswer, awaitUpgrade, forwardedHeaders, join, responseOf } from "#apiserver/streaming/tunnel.ts";

interface Backend extends KubeletAddress {
  dial(options: RequestOptions, how: { readonly upgrade: boolean }): ClientRequest;
}

type Plural = "pods" | "services" | "nodes";

/** `pods/proxy`, `services/proxy`, `nodes/proxy`: plain HTTP, forwarded. */
export function proxyHandlers(deps: StreamingDeps): SubresourceHandler[] {
  return (["pods", "services", "nodes"] as const).map((plural) => ({
    group: "",
    plural,
    subresource: "proxy",
    connect: (request) => connect(request, backendOf(request, plural, deps)),
  }));
}

async function connect(request: ConnectRequest, backend: Backend): Promise<void> {
  const { method, rest, query, response, upgrade } = request;
  const host = `${backend.host.includes(":") ? `[${backend.host}]` : backend.host}:${backend.port}`;
  if (rest === "" && upgrade === undefined && (method === "GET" || method === "HEAD")) return redirectToSlash(request);
  const path = `${rest === "" ? "/" : rest}${query.size > 0 ? `?${query}` : ""}`;
  const page = pageOf(request, host);
  const headers = proxiedHeaders(request, page);
  const asking = backend.dial({ method, path, headers }, { upgrade: upgrade !== undefined });
  (response ?? upgrade?.socket)?.once("close", () => asking.destroy());
  try {
    if (upgrade !== undefined) {
      const answer = await awaitUpgrade(asking);
      if (answer.upgraded) return join(upgrade, answer);
      answer.response.destroy();
      throw statusError.badRequest(`the backend answered ${answer.response.statusCode} to an upgrade`);
    }
    bodyStream(request.request).pipe(asking);
    const answer = await awaitAnswer(asking);
    await sendProxied(method, answer, page, responseOf(request));
  } catch (error) {
    if (error instanceof Error && error.name === "StatusError") throw error;
    throw failure(503, "ServiceUnavailable", `error trying to reach service: ${dialError(error, backend).message}`);
  }
}

/** Relative links of a page need the slash. */
function redirectToSlash(request: ConnectRequest): void {
  const [path = "", query] = (request.request.url ?? "").split("?");
  responseOf(request)
    .writeHead(301, { location: `${path}/${query === undefined ? "" : `?${query}`}` })
    .end();
}

function pageOf({ request, rest }: ConnectRequest, backend: string): ProxiedPage {
  const path = (request.url ?? "").split("?", 1)[0]!;
  return { prefix: path.slice(0, path.length - rest.length), backend, host: request.headers.host ?? "" };
}

/** Backends learn where the client is, and by which path it came. */
function proxiedHeaders({ request, rest, upgrade }: ConnectRequest, { prefix, backend, host }: ProxiedPage): OutgoingHttpHeaders {
  const forwarded = forwardedHeaders(request.headers, host === "" ? backend : host, { upgrade: upgrade !== undefined });
  if (upgrade !== undefined) return forwarded;
  const from = (request.socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  const hops = request.headers["x-forwarded-for"];
  return { ...forwarded, "x-forwarded-for": hops === undefined ? from : `${String(hops)}, ${from}`, "x-forwarded-uri": posix.join(prefix, rest) };
}

function backendOf({ namespace, name: id }: ConnectRequest, plural: Plural, deps: StreamingDeps): Backend {
  const kind = plural.slice(0, -1);
  const parts = splitId(id);
  if (parts === undefined) throw statusError.badRequest(`invalid ${kind} request ${JSON.stringify(id)}`);
  if (plural === "nodes") return nodeBackend(parts, deps);
  const address = plural === "pods" ? podAddress(parts, namespace, deps) : serviceAddress(id, parts, namespace, deps);
  return plainBackend(address, parts.scheme);
}

interface IdParts {
  readonly scheme: string;
  readonly name: string;
  readonly port: string;
}

/** `name`, `name:port`, or `scheme:name:port`. */
function splitId(id: string): IdParts | undefined {
  const parts = id.split(":");
  if (parts.length > 3) return undefined;
  const [scheme, name, port] = parts.length === 3 ? parts : ["", parts[0], parts[1] ?? ""];
  return name && ["", "http", "https"].includes(scheme!) ? { scheme: scheme!, name, port: port! } : undefined;
}

function nodeBackend({ name, port }: IdParts, { kubelets }: StreamingDeps): Backend {
  const address = kubelets.address(name, "nodes");
  const target = { host: address.host, port: port === "" ? address.port : Number(port) };
  return { ...target, dial: (options, how) => kubelets.request(target, options, how) };
}

function podAddress({ name, port }: IdParts, namespace: string, { reader }: StreamingDeps): KubeletAddress {
  const pod = podNamed(reader, namespace, name);
  const host = pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? "";
  // An address of this machine's own would open what listens here.
  if (host === "" || /^(127\.|0\.|169\.254\.|22[4-9]\.|23\d\.|::1?$|fe80:)/i.test(host)) throw statusError.badRequest("address not allowed");
  const first = (pod.spec.containers ?? []).find(({ ports }) => ports?.length)?.ports?.[0]?.containerPort;
  return { host, port: port === "" ? (first ?? 80) : Number(port) };
}

function serviceAddress(id: string, { name, port }: IdParts, namespace: string, { reader, rng }: StreamingDeps): KubeletAddress {
  const unavailable = (message: string) => failure(503, "ServiceUnavailable", message);
  const endpoints = reader.lookup(ENDPOINTS, namespace, name);
  let portName = port;
  if (/^\d+$/.test(port)) {
    const service = reader.lookup(SERVICES, namespace, name);
    if (service === undefined) throw statusError.notFound({ group: "", resource: "services" }, name);
    const found = (service.spec?.ports ?? []).find((each) => each.port === Number(port));
    if (found === undefined) throw unavailable(`no service port ${port} found for service ${JSON.stringify(name)}`);
    portName = found.name ?? "";
  }
  if (endpoints === undefined) throw statusError.notFound({ group: "", resource: "services" }, name);
  const choices = (endpoints.subsets ?? []).flatMap(({ addresses = [], ports = [] }) => {
    const target = ports.find((each) => (each.name ?? "") === portName)?.port;
    return target === undefined ? [] : addresses.filter(({ ip, targetRef }) => isPodAddress(ip, targetRef?.name)).map(({ ip }) => ({ host: ip, port: target }));
  });
  if (choices.length === 0) throw unavailable(`no endpoints available for service ${JSON.stringify((endpoints.subsets ?? []).length === 0 ? name : id)}`);
  return choices[Math.floor(rng() * choices.length)]!;

  /** Endpoints may be written by hand: only addresses of this namespace's pods are trusted. */
  function isPodAddress(ip: string, pod: string | undefined): boolean {
    return pod !== undefined && (reader.lookup(PODS, namespace, pod)?.status?.podIPs?.some((each) => each.ip === ip) ?? false);
  }
}

function plainBackend(address: KubeletAddress, scheme: string): Backend {
  const dial = (options: RequestOptions): ClientRequest =>
    // The certificates of pods are their owners' own, signed by nobody that the API server knows.
    scheme === "https" ? httpsRequest({ ...options, ...address, rejectUnauthorized: false }) : httpRequest({ ...options, ...address });
  return { ...address, dial };
}
