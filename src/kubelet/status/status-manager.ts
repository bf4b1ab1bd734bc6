import { PODS } from "#api/builtin.ts";
import type { Pod, PodStatus } from "#api/core-v1/types.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import type { Client } from "#client/client.ts";
import { isAtLeast } from "#client/resource-version.ts";
import { type Clock, sleep } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

import { KUBELET_CONDITIONS } from "./conditions.ts";
import { statusPatch } from "./status-patch.ts";

interface Entry {
  pod: Pod;
  wanted: PodStatus;
  /** What the API is known to hold. */
  known: PodStatus | undefined;
  /** The resource version that `known` was read at. */
  version: string;
  sending: Promise<void> | undefined;
}

export interface StatusManagerDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
}

const RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;

/** Writes pods' statuses to the API: only what changed, one write per pod at a time, the newest wins. */
export class StatusManager {
  readonly #deps: StatusManagerDeps;
  readonly #entries = new Map<string, Entry>();
  #stopped = false;

  constructor(deps: StatusManagerDeps) {
    this.#deps = deps;
  }

  /** Takes a status that is to be written; returns at once. */
  set(pod: Pod, wanted: PodStatus): void {
    const uid = pod.metadata.uid as string;
    const entry = this.#entries.get(uid) ?? { pod, wanted, known: pod.status, version: pod.metadata.resourceVersion ?? "", sending: undefined };
    entry.pod = pod;
    entry.wanted = wanted;
    this.#entries.set(uid, entry);
    if (entry.sending === undefined) entry.sending = this.#send(entry);
  }

  /** Tells what the API holds now; a foreign change of our fields is written over. */
  seen(pod: Pod): void {
    const entry = this.#entries.get(pod.metadata.uid as string);
    const version = pod.metadata.resourceVersion ?? "";
    if (entry === undefined || entry.sending !== undefined || !isAtLeast(version, entry.version)) return;
    entry.known = pod.status;
    entry.version = version;
  }

  /** Resolves once what was set is written, or cannot be any more. */
  async flushed(podUid: string): Promise<void> {
    await this.#entries.get(podUid)?.sending;
  }

  forget(podUid: string): void {
    this.#entries.delete(podUid);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Takes `sending` off in the same tick in which it finds nothing left to send, so that no `set()` can fall between. */
  async #send(entry: Entry): Promise<void> {
    await null;
    const podUid = entry.pod.metadata.uid as string;
    for (let retryMs = RETRY_MS; !this.#stopped && this.#entries.get(podUid) === entry; ) {
      const { wanted, pod, known } = entry;
      const patch = statusPatch(known, wanted, KUBELET_CONDITIONS);
      if (patch === undefined) break;
      try {
        const { namespace, name, uid } = pod.metadata;
        const body = { metadata: { uid }, status: patch };
        const written = await this.#deps.client.patch(PODS, { namespace, name }, "strategic", body, { subresource: "status" });
        entry.known = written.status;
        entry.version = written.metadata.resourceVersion ?? "";
        if (entry.wanted === wanted) break;
      } catch (error) {
        if (isStatus(error, "NotFound")) break;
        this.#deps.log.warn("pod status cannot be written", { pod: `${pod.metadata.namespace}/${pod.metadata.name}`, error });
        await sleep(this.#deps.clock, retryMs);
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
      }
    }
    entry.sending = undefined;
  }
}
