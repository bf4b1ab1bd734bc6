import { isAvailable } from "#api/apiregistration-v1/conditions.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import type { ApiServices, RemoteService } from "#apiserver/aggregation/api-services.ts";
import { AvailabilityController } from "#apiserver/aggregation/availability-controller.ts";
import { performRemotely } from "#apiserver/aggregation/remote-calls.ts";
import { type ProxyTls, RemoteDialer } from "#apiserver/aggregation/remote-dialer.ts";
import { fetchFrom } from "#apiserver/aggregation/remote-fetch.ts";
import { RemoteIndex } from "#apiserver/aggregation/remote-index.ts";
import { RemoteOpenApi } from "#apiserver/aggregation/remote-openapi.ts";
import { RemoteProxy } from "#apiserver/aggregation/remote-proxy.ts";
import type { WatchCache } from "#apiserver/cache/watch-cache.ts";
import type { RemoteVersion } from "#apiserver/discovery/documents.ts";
import type { PlainRequest, PlainResponse } from "#apiserver/http/plain.ts";
import type { Swagger } from "#apiserver/openapi/swagger.ts";
import type { Call } from "#apiserver/registry/types.ts";
import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

export interface RemoteServersDeps {
  readonly services: ApiServices;
  readonly cache: WatchCache;
  readonly reader: ObjectReader;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly perform: (call: Call) => Promise<unknown>;
  readonly proxyTls: () => ProxyTls | undefined;
  /** Told when extension servers say that they have something else than before. */
  readonly onChange: () => void;
}

/** All that is needed where there are extension servers. */
export class RemoteServers {
  readonly proxy: RemoteProxy;
  readonly #dialer: RemoteDialer;
  readonly #deps: { readonly dialer: RemoteDialer; readonly clock: Clock };
  readonly #availability: AvailabilityController;
  readonly #index: RemoteIndex;
  readonly #openApi: RemoteOpenApi;

  constructor(deps: RemoteServersDeps) {
    const dialer = (this.#dialer = new RemoteDialer(deps.reader, deps.proxyTls));
    this.#deps = { dialer, clock: deps.clock };
    this.proxy = new RemoteProxy({ ...deps, dialer });
    this.#availability = new AvailabilityController({ ...deps, dialer });
    this.#index = new RemoteIndex({ ...deps, dialer });
    this.#openApi = new RemoteOpenApi({ ...deps, dialer });
    deps.services.onChange((name) => {
      if (deps.services.get(name) === undefined) dialer.forget(name);
    });
  }

  start(): void {
    this.#availability.start();
    this.#index.start();
  }

  stop(): void {
    this.#availability.stop();
    this.#index.stop();
    this.#dialer.close();
  }

  version(service: RemoteService): RemoteVersion | undefined {
    return this.#index.get(service.metadata.name);
  }

  get documents(): readonly { readonly path: string; readonly hash: string }[] {
    return this.#index.documents;
  }

  async document(path: string, request: PlainRequest): Promise<PlainResponse | undefined> {
    const found = this.#index.documents.find((each) => each.path === path);
    return found && this.#openApi.document(found.service, path, request);
  }

  /** @throws {StatusError} 503 when the service is not available */
  perform(service: RemoteService, call: Call): Promise<unknown> {
    if (!isAvailable(service)) throw statusError.serviceUnavailable("service unavailable");
    return performRemotely(service, call, (path, options) => fetchFrom(this.#deps, service, path, options));
  }

  swaggers(): Promise<readonly Swagger[]> {
    return this.#openApi.swaggers();
  }
}
