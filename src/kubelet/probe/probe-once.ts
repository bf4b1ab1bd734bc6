import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";

import type { Container, HTTPGetAction, ProbeHandler } from "#api/core-v1/types.ts";
import { decodeMessage, encodeMessage, type ProtoTable } from "#apimachinery/protobuf/codec.ts";
import { GrpcClient } from "#lib/grpc/grpc-client.ts";
import { GRPC_DEADLINE_EXCEEDED, GrpcError } from "#lib/grpc/grpc-error.ts";
import type { Runtime } from "#kubelet/cri/runtime.ts";

/** `unknown`: the probe itself could not be carried out. */
export interface ProbeResult {
  readonly result: "success" | "failure" | "unknown";
  readonly output: string;
}

export interface ProbeTarget {
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string;
}

const USER_AGENT = "kube-probe/1.35";
const MAX_BODY_BYTES = 10 * 1024;
const MAX_REDIRECTS = 10;

/** Carries out a probe once. @see pkg/probe */
export async function probeOnce(handler: ProbeHandler, target: ProbeTarget, timeoutMs: number, runtime: Runtime): Promise<ProbeResult> {
  try {
    if (handler.exec !== undefined) return await execProbe(handler.exec.command ?? [], target, timeoutMs, runtime);
    if (handler.httpGet !== undefined) return await httpProbe(handler.httpGet, target, timeoutMs);
    if (handler.tcpSocket !== undefined) {
      const { host, port } = handler.tcpSocket;
      return await tcpProbe(host || target.podIp, portNumber(port, target.container), timeoutMs);
    }
    if (handler.grpc !== undefined) return await grpcProbe(target.podIp, handler.grpc.port, handler.grpc.service ?? "", timeoutMs);
    return { result: "unknown", output: `missing probe handler for ${target.container.name}` };
  } catch (error) {
    return { result: "unknown", output: error instanceof Error ? error.message : String(error) };
  }
}

/** A port by number, or by its name among the container's ports. */
export function portNumber(port: number | string, { name, ports = [] }: Container): number {
  const number = typeof port === "number" ? port : (ports.find((candidate) => candidate.name === port)?.containerPort ?? Number(port));
  if (!Number.isInteger(number) || number <= 0 || number > 65_535) throw new Error(`couldn't find port: ${JSON.stringify(port)} for container ${name}`);
  return number;
}

async function execProbe(command: readonly string[], { containerId }: ProbeTarget, timeoutMs: number, runtime: Runtime): Promise<ProbeResult> {
  try {
    const { stdout, stderr, exitCode } = await runtime.execSync(containerId, command, Math.ceil(timeoutMs / 1000));
    const output = Buffer.concat([stdout, stderr]).subarray(0, MAX_BODY_BYTES).toString();
    return { result: exitCode === 0 ? "success" : "failure", output };
  } catch (error) {
    if (!(error instanceof GrpcError && error.code === GRPC_DEADLINE_EXCEEDED)) throw error;
    return { result: "failure", output: `command timed out: "${command.join(" ")}" timed out after ${Math.ceil(timeoutMs / 1000)}s` };
  }
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  readonly location: string | undefined;
}

async function httpProbe(action: HTTPGetAction, target: ProbeTarget, timeoutMs: number): Promise<ProbeResult> {
  let url = httpUrl(action, target);
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    for (let hop = 0; ; hop++) {
      const { status, body, location } = await httpGet(url, headersOf(action), signal);
      const next = status >= 300 && status < 400 && location !== undefined && hop < MAX_REDIRECTS ? new URL(location, url) : undefined;
      if (next !== undefined && next.hostname === url.hostname) {
        url = next;
        continue;
      }
      const ok = status >= 200 && status < 400;
      return { result: ok ? "success" : "failure", output: ok ? body : `HTTP probe failed with statuscode: ${status}` };
    }
  } catch (error) {
    return { result: "failure", output: `Get "${url.href}": ${networkError(error)}` };
  }
}

export function httpUrl({ scheme = "HTTP", host, port, path = "/" }: HTTPGetAction, { container, podIp }: Pick<ProbeTarget, "container" | "podIp">): URL {
  const name = host || podIp;
  const authority = name.includes(":") ? `[${name}]` : name;
  return new URL(path.startsWith("/") ? path : `/${path}`, `${scheme.toLowerCase()}://${authority}:${portNumber(port, container)}`);
}

export function headersOf({ httpHeaders = [] }: HTTPGetAction): Record<string, string> {
  const own = Object.fromEntries(httpHeaders.map(({ name, value }) => [name.toLowerCase(), value]));
  return { "user-agent": USER_AGENT, accept: "*/*", ...own, connection: "close" };
}

/** A GET whose certificate is not checked, and of whose body the beginning is kept. */
export function httpGet(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const request = send(url, { headers, signal, agent: false, ...(url.protocol === "https:" && { rejectUnauthorized: false }) }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        if (body.length < MAX_BODY_BYTES) body += text;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body, location: response.headers.location }));
      response.on("error", reject);
    });
    request.on("error", reject).end();
  });
}

function tcpProbe(host: string, port: number, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const end = (result: ProbeResult) => {
      socket.destroy();
      resolve(result);
    };
    socket.on("connect", () => end({ result: "success", output: "" }));
    socket.on("timeout", () => end({ result: "failure", output: `dial tcp ${host}:${port}: i/o timeout` }));
    socket.on("error", (error) => end({ result: "failure", output: networkError(error) }));
  });
}

const HEALTH: ProtoTable = {
  messages: {
    Request: { fields: [{ name: "service", number: 1, type: "string" }] },
    Response: { fields: [{ name: "status", number: 1, type: "int32" }] },
  },
};
const SERVING = 1;
const STATUS_NAMES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

async function grpcProbe(host: string, port: number, service: string, timeoutMs: number): Promise<ProbeResult> {
  const client = new GrpcClient({ host, port });
  try {
    const headers = { "user-agent": USER_AGENT };
    const bytes = await client.unary("/grpc.health.v1.Health/Check", encodeMessage(HEALTH, "Request", { service }), {
      timeoutMs,
      headers,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const { status } = decodeMessage<{ status: number }>(HEALTH, "Response", bytes);
    if (status === SERVING) return { result: "success", output: "service healthy" };
    return { result: "failure", output: `service unhealthy (responded with "${STATUS_NAMES[status] ?? status}")` };
  } catch (error) {
    return { result: "failure", output: `error: health rpc probe failed: ${error instanceof Error ? error.message : String(error)}` };
  } finally {
    client.close();
  }
}

/** A failure to connect in the words of Go's net package. */
function networkError(error: unknown): string {
  const { code, name, address, port, message } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (name === "AbortError" || name === "TimeoutError") return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
  if (code === "ECONNREFUSED") return address === undefined ? "connect: connection refused" : `dial tcp ${address}:${port}: connect: connection refused`;
  if (code === "EHOSTUNREACH") return `dial tcp ${address}:${port}: connect: no route to host`;
  if (code === "ECONNRESET") return "read: connection reset by peer";
  return message;
}
