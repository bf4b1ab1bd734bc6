import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

import type { RemoteService } from "#apiserver/aggregation/api-services.ts";
import { afterPatience } from "#apiserver/aggregation/patient-timer.ts";
import type { RemoteDialer } from "#apiserver/aggregation/remote-dialer.ts";
import { identityHeaders } from "#apiserver/aggregation/remote-headers.ts";
import { awaitAnswer } from "#apiserver/streaming/tunnel.ts";
import { AUTHENTICATED, SYSTEM_MASTERS, type UserInfo } from "#apiserver/user.ts";
import type { Clock } from "#lib/clock.ts";

export interface Fetched {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface FetchOptions {
  readonly method?: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body?: string;
  readonly timeoutMs?: number;
}

/** As whom the server asks what an extension server has. */
const AGGREGATOR: UserInfo = { name: "system:kube-aggregator", uid: "", groups: [SYSTEM_MASTERS, AUTHENTICATED], extra: {} };

const TIMEOUT_MS = 5000;
/** Documents of whole groups are some MiB at most. */
const MAX_BYTES = 32 * 1024 * 1024;

/** A document of an extension server. @throws {Error} when it cannot be had in time */
export async function fetchFrom(
  { dialer, clock }: { readonly dialer: RemoteDialer; readonly clock: Clock },
  service: RemoteService,
  path: string,
  { method = "GET", headers, body, timeoutMs = TIMEOUT_MS }: FetchOptions,
): Promise<Fetched> {
  const location = dialer.locate(service);
  const request = dialer.request(service, location, {
    method,
    path,
    headers: { ...headers, ...(body !== undefined && { "content-length": Buffer.byteLength(body) }), ...identityHeaders(AGGREGATOR), host: location.authority },
  });
  const timer = afterPatience(clock, timeoutMs, () => request.destroy(new Error("request timed out")));
  try {
    request.end(body);
    const answer = await awaitAnswer(request);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) throw new Error(`${path} has more than ${MAX_BYTES} bytes`);
      chunks.push(chunk);
    }
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) };
  } finally {
    timer.cancel();
  }
}
