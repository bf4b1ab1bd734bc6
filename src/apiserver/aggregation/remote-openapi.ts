import type { OutgoingHttpHeaders } from "node:http";

import { isAvailable } from "#api/apiregistration-v1/conditions.ts";
import type { ApiServices, RemoteService } from "#apiserver/aggregation/api-services.ts";
import { pathOf, type RemoteDialer } from "#apiserver/aggregation/remote-dialer.ts";
import { fetchFrom } from "#apiserver/aggregation/remote-fetch.ts";
import type { PlainRequest, PlainResponse } from "#apiserver/http/plain.ts";
import { partOf } from "#apiserver/openapi/swagger-merge.ts";
import type { Swagger } from "#apiserver/openapi/swagger.ts";
import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

export interface RemoteOpenApiDeps {
  readonly services: ApiServices;
  readonly dialer: RemoteDialer;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Such documents are large, and seldom asked for. */
const TIMEOUT_MS = 30_000;
/** Of what a client asks, that says which form of a document it wants. */
const ASKED = ["accept", "if-none-match", "accept-encoding"];
const TOLD = ["content-type", "content-encoding", "etag", "vary", "cache-control", "location"];

/** OpenAPI documents of extension servers. */
export class RemoteOpenApi {
  readonly #deps: RemoteOpenApiDeps;
  /** What each has said last, for as long as it says that nothing is new. */
  readonly #swaggers = new Map<string, { readonly etag: string; readonly part: Swagger }>();

  constructor(deps: RemoteOpenApiDeps) {
    this.#deps = deps;
  }

  /** A document of OpenAPI v3, as the server gives it. */
  async document(service: RemoteService, path: string, { headers: asked, query }: PlainRequest): Promise<PlainResponse> {
    const sent: OutgoingHttpHeaders = {};
    for (const name of ASKED) if (asked[name] !== undefined) sent[name] = String(asked[name]);
    try {
      const { status, headers, body } = await fetchFrom(this.#deps, service, `/openapi/v3/${path}${query.size > 0 ? `?${query}` : ""}`, {
        headers: sent,
        timeoutMs: TIMEOUT_MS,
      });
      const told = TOLD.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])] as const]));
      return { status, headers: Object.fromEntries(told), body };
    } catch (error) {
      this.#deps.logger.warn("an OpenAPI document cannot be had", { service: service.metadata.name, error });
      return { status: 503, headers: { "content-type": "text/plain; charset=utf-8" }, body: "service unavailable\n" };
    }
  }

  /** What each server says of its own group versions in OpenAPI v2; one that says nothing is left out. */
  async swaggers(): Promise<readonly Swagger[]> {
    const { services, logger } = this.#deps;
    const parts = services.remotes.filter(isAvailable).map((service) =>
      this.#part(service).catch((error: unknown) => {
        logger.warn("an OpenAPI document cannot be had", { service: service.metadata.name, error });
        return this.#swaggers.get(service.metadata.name)?.part;
      }),
    );
    return (await Promise.all(parts)).filter((part) => part !== undefined);
  }

  async #part(service: RemoteService): Promise<Swagger | undefined> {
    const { name } = service.metadata;
    const known = this.#swaggers.get(name);
    const headers = { accept: "application/json", ...(known !== undefined && known.etag !== "" && { "if-none-match": known.etag }) };
    const answer = await fetchFrom(this.#deps, service, "/openapi/v2", { headers, timeoutMs: TIMEOUT_MS });
    if (answer.status === 304) return known?.part;
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw new Error(`/openapi/v2 was answered with ${answer.status}`);
    const part = partOf(JSON.parse(answer.body.toString()) as Swagger, `${pathOf(service)}/`);
    this.#swaggers.set(name, { etag: answer.headers.etag ?? "", part });
    return part;
  }
}
