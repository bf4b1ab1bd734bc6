import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { createSecureContext } from "node:tls";
import { pathsOf } from "./paths.ts";
import type { Settings } from "./settings.ts";

export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
}

export interface ApiCaller {
  /** Undefined when no server answers. */
  get(path: string): Promise<ApiAnswer | undefined>;
  /** Without a body. */
  post(path: string, timeoutMs: number): Promise<ApiAnswer | undefined>;
  close(): void;
}

const ANSWER_TIMEOUT_MS = 3000;

/** Asks this machine's server as the cluster's administrator. Certificates must be there. */
export function apiCaller(settings: Settings): ApiCaller {
  const { ca, admin, adminKey } = pathsOf(settings.dataDir).serverTls;
  // Made once: it costs more than the rest of an attempt, and whoever waits for a server to start makes many.
  const secureContext = createSecureContext({ ca: readFileSync(ca), cert: readFileSync(admin), key: readFileSync(adminKey) });
  const agent = new Agent({ keepAlive: true, maxSockets: 1, secureContext });
  const options = { agent, host: "127.0.0.1", port: settings.httpsPort, headers: { accept: "application/json" } };
  const ask = (method: string, path: string, timeout: number) =>
    new Promise<ApiAnswer | undefined>((resolve) => {
      const call = request({ ...options, method, path, timeout }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
        response.on("error", () => resolve(undefined));
      });
      call.on("timeout", () => call.destroy());
      call.on("error", () => resolve(undefined));
      call.end();
    });
  return { get: (path) => ask("GET", path, ANSWER_TIMEOUT_MS), post: (path, timeoutMs) => ask("POST", path, timeoutMs), close: () => agent.destroy() };
}
