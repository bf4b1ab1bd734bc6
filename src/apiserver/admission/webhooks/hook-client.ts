import type { IncomingMessage } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { checkServerIdentity, type PeerCertificate } from "node:tls";

import type { ObjectReader } from "#apiserver/admission/reader.ts";
import type { Hook } from "#apiserver/admission/webhooks/hook.ts";
import { type HookAddress, hookAddress, NoHookClient } from "#apiserver/admission/webhooks/hook-address.ts";
import { connectionWords, refusedWords } from "#apiserver/admission/webhooks/hook-errors.ts";
import type { Clock } from "#lib/clock.ts";

/** Answers carry patches of one object, or many that were converted. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
const MAX_AGENTS = 200;
const MAX_IDLE_CONNECTIONS = 4;

/** How one call went: `undefined` for a broken connection that was kept from before, which says nothing of the webhook. */
type Attempt = { readonly text: string } | undefined;

/** Asks webhooks over HTTPS; connections are kept for each address and authority. */
export class HookClient {
  readonly #reader: ObjectReader;
  readonly #clock: Clock;
  readonly #agents = new Map<string, Agent>();

  constructor(reader: ObjectReader, clock: Clock) {
    this.#reader = reader;
    this.#clock = clock;
  }

  /**
   * Posts a review, and gives what comes back.
   *
   * @throws {NoHookClient} for a configuration that makes no client
   * @throws {Error} in upstream's words for whatever goes wrong with the call
   */
  async post({ clientConfig, timeoutSeconds }: Pick<Hook, "clientConfig" | "timeoutSeconds">, text: string, signal: AbortSignal | undefined): Promise<string> {
    const address = hookAddress(clientConfig, this.#reader);
    const agent = this.#agent(address, clientConfig.caBundle);
    const ending = new AbortController();
    const timer = this.#clock.after(timeoutSeconds * 1000, () => ending.abort(new Error("context deadline exceeded")));
    const cancel = () => ending.abort(new Error("context canceled"));
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      const ask = () => attempt(address, agent, timeoutSeconds, text, ending.signal);
      const answer = (await ask()) ?? (await ask());
      return answer?.text ?? fail(address, timeoutSeconds, "EOF");
    } finally {
      timer.cancel();
      signal?.removeEventListener("abort", cancel);
    }
  }

  #agent({ authority }: HookAddress, caBundle = ""): Agent {
    const key = `${authority} ${caBundle}`;
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    if (this.#agents.size >= MAX_AGENTS) this.#forgetOldest();
    const ca = caBundle === "" ? undefined : Buffer.from(caBundle, "base64");
    if (ca !== undefined && !ca.includes("-----BEGIN CERTIFICATE-----")) {
      throw new NoHookClient("unable to load root certificates: unable to parse bytes as PEM block");
    }
    const agent = new Agent({ keepAlive: true, maxFreeSockets: MAX_IDLE_CONNECTIONS, scheduling: "lifo", ...(ca && { ca }), checkServerIdentity: checkNames });
    this.#agents.set(key, agent);
    return agent;
  }

  #forgetOldest(): void {
    const [oldest] = this.#agents;
    oldest![1].destroy();
    this.#agents.delete(oldest![0]);
  }
}

/** A name of the subject alone has long ceased to count. */
function checkNames(host: string, certificate: PeerCertificate): Error | undefined {
  if ((certificate.subjectaltname ?? "") !== "") return checkServerIdentity(host, certificate);
  return Object.assign(new Error("x509: certificate relies on legacy Common Name field, use SANs instead"), { code: "NO_NAMES" });
}

function fail(address: HookAddress, timeoutSeconds: number, why: string): never {
  throw new Error(`Post ${JSON.stringify(`${address.url}?timeout=${timeoutSeconds}s`)}: ${why}`);
}

function attempt(address: HookAddress, agent: Agent, timeoutSeconds: number, text: string, signal: AbortSignal): Promise<Attempt> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error) => {
      try {
        fail(address, timeoutSeconds, signal.aborted ? (signal.reason as Error).message : connectionWords(error, address));
      } catch (failure) {
        reject(failure as Error);
      }
    };
    let host: string;
    try {
      host = address.host();
    } catch (error) {
      return refuse(error as Error);
    }
    const request = httpsRequest({
      ...{ method: "POST", agent, host, port: address.port, path: `${address.path}?timeout=${timeoutSeconds}s`, signal },
      ...(isName(address.serverName) && { servername: address.serverName }),
      headers: {
        ...{ host: address.authority, accept: "application/json, */*", "content-type": "application/json", "user-agent": "kube-apiserver-admission" },
        "content-length": Buffer.byteLength(text),
      },
    });
    // More than once where a deadline and the end of a connection meet; the first counts.
    request.on("error", (error) => ((error as { code?: string }).code === "ECONNRESET" && request.reusedSocket ? resolve(undefined) : refuse(error)));
    request.once("response", (response) => {
      bodyOf(response).then((body) => answered(response, body, resolve, reject), refuse);
    });
    request.end(text);
  });
}

/** Addresses are no server names. */
const isName = (host: string) => /[a-z]/i.test(host) && !host.includes(":");

function answered({ statusCode = 0, headers }: IncomingMessage, text: string, resolve: (answer: Attempt) => void, reject: (error: Error) => void): void {
  const type = headers["content-type"] ?? "application/json";
  if (statusCode < 200 || statusCode > 206) return reject(new Error(refusedWords(statusCode, type, text)));
  if (text === "") return reject(new Error(`0-length response with status code: ${statusCode} and content type: ${type}`));
  resolve({ text });
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer has more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
