import type { Exchange } from "#apiserver/http/exchange.ts";
import type { RequestObserver } from "#apiserver/http/server.ts";
import type { RequestMetrics } from "#apiserver/metrics/request-metrics.ts";
import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

/** Who waits as long as this would like to know why. */
const SLOW_MS = 1000;

/** Counts requests, and tells of slow ones. */
export class RequestLog implements RequestObserver {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metrics: RequestMetrics;

  constructor({ clock, logger, metrics }: { readonly clock: Clock; readonly logger: Logger; readonly metrics: RequestMetrics }) {
    this.#clock = clock;
    this.#logger = logger;
    this.#metrics = metrics;
  }

  began(exchange: Exchange): void {
    exchange.beganMs = this.#clock.monotonic();
    this.#metrics.began(exchange);
  }

  ended(exchange: Exchange): void {
    const durationMs = this.#clock.monotonic() - exchange.beganMs;
    this.#metrics.ended(exchange, durationMs / 1000);
    if (durationMs < SLOW_MS || exchange.longRunning) return;
    const { method, path, userAgent, user, code } = exchange;
    this.#logger.warn("slow request", { method, path, code, durationMs: Math.round(durationMs), user: user.name, userAgent });
  }
}
