import { failure } from "#apimachinery/status-error.ts";
import type { StatusError } from "#apimachinery/status-error.ts";
import type { Exchange } from "#apiserver/http/exchange.ts";
import type { Clock, Timer } from "#lib/clock.ts";

const REQUEST_TIMEOUT_MS = 60_000;
const CHECK_PERIOD_MS = 10_000;

/** Ends requests that take more than a minute; one timer looks after all, and none runs while there are none. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #expire: (exchange: Exchange, error: StatusError) => void;
  readonly #started = new Map<Exchange, number>();
  #timer: Timer | undefined;

  constructor(clock: Clock, expire: (exchange: Exchange, error: StatusError) => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  add(exchange: Exchange): void {
    this.#started.set(exchange, this.#clock.monotonic());
    this.#timer ??= this.#clock.every(CHECK_PERIOD_MS, () => this.#check());
  }

  remove(exchange: Exchange): void {
    this.#started.delete(exchange);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #check(): void {
    if (this.#started.size === 0) return this.stop();
    const due = this.#clock.monotonic() - REQUEST_TIMEOUT_MS;
    for (const [exchange, started] of this.#started) {
      if (exchange.longRunning) this.#started.delete(exchange);
      else if (started <= due) {
        this.#started.delete(exchange);
        this.#expire(exchange, failure(504, "Timeout", "Timeout: request did not complete within the allotted timeout", {}));
      }
    }
  }
}
