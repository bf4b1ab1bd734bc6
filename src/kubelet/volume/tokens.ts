import { SERVICE_ACCOUNTS } from "#api/builtin.ts";
import type { Pod } from "#api/core-v1/types.ts";
import type { Client } from "#client/client.ts";
import type { Clock } from "#lib/clock.ts";
import type { Rng } from "#lib/rng.ts";

import type { TokenRequestSpec } from "./payload.ts";

interface Token {
  readonly value: string;
  readonly issuedMs: number;
  readonly expiresMs: number;
}

interface TokenResponse {
  readonly status: { readonly token: string; readonly expirationTimestamp: string };
}

const MAX_AGE_MS = 24 * 3600 * 1000;
const MAX_JITTER_MS = 10_000;

/** Service account tokens for pods, kept until they are due to be renewed. */
export class TokenSource {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #tokens = new Map<string, Token>();

  constructor({ client, clock, rng }: { readonly client: Client; readonly clock: Clock; readonly rng: Rng }) {
    this.#client = client;
    this.#clock = clock;
    this.#rng = rng;
  }

  /** A token bound to the pod that is not due for renewal; the old one while the API cannot be reached and it is valid. */
  async token(pod: Pod, request: TokenRequestSpec): Promise<string> {
    const key = `${pod.metadata.uid}/${request.audience}/${request.expirationSeconds}`;
    const kept = this.#tokens.get(key);
    if (kept !== undefined && !this.#isDue(kept)) return kept.value;
    try {
      const fresh = await this.#request(pod, request);
      this.#tokens.set(key, fresh);
      return fresh.value;
    } catch (error) {
      if (kept !== undefined && kept.expiresMs > this.#clock.now()) return kept.value;
      throw error;
    }
  }

  forget(podUid: string): void {
    for (const key of this.#tokens.keys()) if (key.startsWith(`${podUid}/`)) this.#tokens.delete(key);
  }

  /** @see pkg/kubelet/token/token_manager.go: after 80 % of its life, or a day, less some jitter */
  #isDue({ issuedMs, expiresMs }: Token): boolean {
    const jitterMs = this.#rng() * MAX_JITTER_MS;
    const age = this.#clock.now() - issuedMs;
    return age > (expiresMs - issuedMs) * 0.8 - jitterMs || age > MAX_AGE_MS - jitterMs;
  }

  async #request({ metadata, spec }: Pod, { audience, expirationSeconds }: TokenRequestSpec): Promise<Token> {
    const issuedMs = this.#clock.now();
    const boundObjectRef = { apiVersion: "v1", kind: "Pod", name: metadata.name, uid: metadata.uid };
    const body = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      metadata: {},
      spec: { audiences: audience === "" ? [] : [audience], expirationSeconds, boundObjectRef },
    };
    const account = { namespace: metadata.namespace, name: spec.serviceAccountName || "default" };
    const { status } = await this.#client.createSubresource<TokenResponse>(SERVICE_ACCOUNTS, account, "token", body);
    return { value: status.token, issuedMs, expiresMs: Date.parse(status.expirationTimestamp) };
  }
}
