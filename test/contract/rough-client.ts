import http2 from "node:http2";
import https from "node:https";
import type { Socket } from "node:net";
import tls from "node:tls";

/** Where the server is, and who asks. */
export interface Door {
  readonly url: string;
  readonly ca: string;
  readonly admin: { readonly cert: string; readonly key: string };
}

export interface Rough {
  readonly method?: string;
  readonly path: string;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly code: number;
  readonly text: string;
  readonly ms: number;
}

/** Longer than this for an answer is a hang. */
export const PATIENCE_MS = 1_000;

/** Sends what no decent client would, over real connections. */
export class RoughClient {
  readonly #server: Door;
  readonly #agent: https.Agent;
  #session: http2.ClientHttp2Session | undefined;

  constructor(server: Door) {
    this.#server = server;
    this.#agent = new https.Agent({ ca: server.ca, ...server.admin, keepAlive: true, maxSockets: 8 });
  }

  http1({ method = "POST", path, body = "", headers = {} }: Rough): Promise<Answer> {
    const started = performance.now();
    const bytes = Buffer.from(body);
    return new Promise((resolve, reject) => {
      const all = { "content-type": "application/json", "content-length": String(bytes.length), ...headers };
      const request = https.request(this.#server.url + path, { method, agent: this.#agent, headers: all, timeout: 10_000 }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => resolve({ code: response.statusCode!, text: Buffer.concat(chunks).toString(), ms: performance.now() - started }));
      });
      request.on("error", reject);
      request.on("timeout", () => request.destroy(new Error(`no answer to ${method} ${path}`)));
      request.end(bytes);
    });
  }

  http2({ method = "POST", path, body = "", headers = {} }: Rough): Promise<Answer> {
    const started = performance.now();
    return new Promise((resolve, reject) => {
      const asked = { ":method": method, ":path": path, "content-type": "application/json", ...headers };
      const stream = this.session().request(asked, { endStream: false });
      const chunks: Buffer[] = [];
      let code = 0;
      stream.setTimeout(10_000, () => stream.destroy(new Error(`no answer to ${method} ${path}`)));
      stream.on("response", (found) => (code = Number(found[":status"])));
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("error", reject);
      stream.on("end", () => resolve({ code, text: Buffer.concat(chunks).toString(), ms: performance.now() - started }));
      stream.end(Buffer.from(body));
    });
  }

  session(): http2.ClientHttp2Session {
    if (this.#session === undefined || this.#session.closed || this.#session.destroyed) {
      this.#session = http2.connect(this.#server.url, { ca: this.#server.ca, ...this.#server.admin });
      this.#session.on("error", () => {});
    }
    return this.#session;
  }

  /** A bare TLS connection, for what is no HTTP. */
  raw(protocol: "http/1.1" | "h2"): Promise<tls.TLSSocket> {
    const { hostname: host, port } = new URL(this.#server.url);
    return new Promise((resolve, reject) => {
      const socket = tls.connect({ host, port: Number(port), ca: this.#server.ca, ...this.#server.admin, ALPNProtocols: [protocol] }, () => resolve(socket));
      socket.once("error", reject);
      socket.on("error", () => {}); // being cut off is what these connections are for
    });
  }

  close(): void {
    this.#agent.destroy();
    this.#session?.destroy();
  }
}

/** What comes until the other side ends the connection, or `limitMs` is over. */
export function readUntilClosed(socket: Socket, limitMs: number): Promise<{ text: string; closed: boolean }> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const done = (closed: boolean) => {
      clearTimeout(timer);
      resolve({ text: Buffer.concat(chunks).toString("latin1"), closed });
    };
    const timer = setTimeout(() => done(false), limitMs);
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.once("close", () => done(true));
  });
}
