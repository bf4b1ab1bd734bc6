import { readFileSync } from "node:fs";
import { accepts } from "#client/first-contact.ts";
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

const HOST = "127.0.0.1";
const ANSWER_TIMEOUT_MS = 3000;

/** Asks this machine's server as the cluster's administrator. Certificates must be there. */
export function apiCaller(settings: Settings): ApiCaller {
  const connection = connect(settings);
  connection.catch(() => undefined); // whoever asks hears of it
  const ask = async (method: string, path: string, timeout: number) => {
    // Whoever waits for a server to start asks often, and needs the processors for it.
    if (!(await accepts(HOST, settings.httpsPort))) return undefined;
    const { request, agent } = await connection;
    return new Promise<ApiAnswer | undefined>((resolve) => {
      const options = { agent, host: HOST, port: settings.httpsPort, headers: { accept: "application/json" } };
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
  };
  return {
    get: (path) => ask("GET", path, ANSWER_TIMEOUT_MS),
    post: (path, timeoutMs) => ask("POST", path, timeoutMs),
    close: () =>
      void connection.then(
        ({ agent }) => agent.destroy(),
        () => undefined,
      ),
  };
}

/** Loaded on demand: servers and agents, which start by the same program, never need it. */
async function connect({ dataDir }: Pick<Settings, "dataDir">) {
  const { Agent, request } = await import("node:https");
  const { ca, admin, adminKey } = pathsOf(dataDir).serverTls;
  const credentials = { ca: readFileSync(ca), cert: readFileSync(admin), key: readFileSync(adminKey) };
  return { request, agent: new Agent({ keepAlive: true, maxSockets: 1, ...credentials }) };
}
