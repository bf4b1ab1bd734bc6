import type { Exchange } from "#apiserver/http/exchange.ts";
import type { RequestContext } from "#apiserver/registry/types.ts";
import type { UserInfo } from "#apiserver/user.ts";

/** What of an exchange the registry may know. A class, as a literal with a getter would be slow to make. */
export class ExchangeContext implements RequestContext {
  readonly user: UserInfo;
  readonly userAgent: string;
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.user = exchange.user;
    this.userAgent = exchange.userAgent;
    this.#exchange = exchange;
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }

  warn(text: string): void {
    this.#exchange.warnings.push(text);
  }

  annotate(key: string, value: string): void {
    this.#exchange.audit?.annotate(key, value);
  }
}
