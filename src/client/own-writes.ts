import { type KubeList, type KubeObject } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import type { SharedInformerFactory } from "#client/informer-factory.ts";
import type { Informer } from "#client/informer.ts";
import { isAtLeast } from "#client/resource-version.ts";
import type { ApiCall, Transport, WatchCall, WatchSink } from "#client/transport.ts";
import { sleep, type Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import type { Rng } from "#lib/rng.ts";

const BASE_RETRY_MS = 50;
const MAX_RETRY_MS = 5_000;
/** A watch that is silent for so long does not hold up its writers any longer; upstream's expectations end likewise. */
const MAX_WAIT_MS = 300_000;
/** Why the wait for a late informer ends early; one for all, as an error of its own each time costs more than the write. */
const DONE = new Error("the informer is in time");
const UNSEEN: ReadonlySet<ApiCall["verb"]> = new Set(["get", "list", "deletecollection"]);

export interface OwnWritesOptions {
  readonly transport: Transport;
  /** Where the writers read. */
  readonly informers: SharedInformerFactory;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  /** Ends all waiting. */
  readonly signal: AbortSignal;
}

/**
 * A transport on which a write is over only when our own informers show it: whoever decides by them never decides twice.
 *
 * In process that is so by itself, and this costs a comparison. Over a network an answer may also be lost, and nobody knows then whether
 * the write was done: the API is asked, and the informers are waited for, before the error goes on to the caller.
 */
export class OwnWritesTransport implements Transport {
  readonly #options: OwnWritesOptions;

  constructor(options: OwnWritesOptions) {
    this.#options = options;
  }

  watch(call: WatchCall, sink: WatchSink): { stop(): void } {
    return this.#options.transport.watch(call, sink);
  }

  async perform(call: ApiCall, signal?: AbortSignal): Promise<unknown> {
    const { transport, informers } = this.#options;
    const isSeen = !UNSEEN.has(call.verb) && call.options?.dryRun === undefined;
    const informer = isSeen ? informers.known(call.resource) : undefined;
    if (informer === undefined) return transport.perform(call, signal);
    let answer: unknown;
    try {
      answer = await transport.perform(call, signal);
    } catch (error) {
      if (isOpen(error) && signal?.aborted !== true) await this.#findOut(call, informer);
      throw error;
    }
    await this.#shown(informer, versionOf(answer));
    return answer;
  }

  /** Waits until the informer shows whatever a write may have done whose answer was lost. */
  async #findOut(call: ApiCall, informer: Informer<KubeObject>): Promise<void> {
    const { clock, rng, signal } = this.#options;
    const name = call.name ?? (call.body as Partial<KubeObject>).metadata?.name;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        return name === undefined ? await this.#findNew(call, informer) : await this.#findNamed(call, name, informer);
      } catch {
        const delayMs = Math.min(MAX_RETRY_MS, BASE_RETRY_MS * 2 ** Math.min(attempt, 10));
        await sleep(clock, delayMs * (0.5 + rng() / 2), signal).catch(() => {});
      }
    }
  }

  async #findNamed({ resource, namespace }: ApiCall, name: string, informer: Informer<KubeObject>): Promise<void> {
    const key = resource.namespaced ? `${namespace}/${name}` : name;
    const uid = informer.get(key)?.metadata.uid;
    try {
      await this.#shown(informer, versionOf(await this.#options.transport.perform({ verb: "get", resource, namespace, name })));
    } catch (error) {
      if (!isStatus(error, "NotFound")) throw error;
      await this.#until(informer, () => uid === undefined || informer.get(key)?.metadata.uid !== uid);
    }
  }

  /** The server gave the name: any object with the same labels may be the one. */
  async #findNew({ resource, namespace, body }: ApiCall, informer: Informer<KubeObject>): Promise<void> {
    const labels = Object.entries((body as KubeObject).metadata.labels ?? {});
    const labelSelector = labels.map(([label, value]) => `${label}=${value}`).join(",");
    const { items } = (await this.#options.transport.perform({ verb: "list", resource, namespace, options: { labelSelector } })) as KubeList;
    const newest = items.map((item) => versionOf(item) ?? "0").reduce((a, b) => (isAtLeast(a, b) ? a : b), "0");
    await this.#shown(informer, newest);
  }

  async #shown(informer: Informer<KubeObject>, version: string | undefined): Promise<void> {
    if (version !== undefined && !informer.shows(version)) await this.#until(informer, () => informer.shows(version));
  }

  async #until(informer: Informer<KubeObject>, isSo: () => boolean): Promise<void> {
    const { clock, logger, signal } = this.#options;
    const inTime = new AbortController();
    const tooLate = sleep(clock, MAX_WAIT_MS, AbortSignal.any([signal, inTime.signal])).then(
      () => logger.warn("an informer does not show a write of our own", { waitedMs: MAX_WAIT_MS }),
      () => {},
    );
    await Promise.race([informer.until(isSo), tooLate]);
    inTime.abort(DONE);
  }
}

/** Whether an error leaves open if the write was done; what the API refuses was not. */
function isOpen(error: unknown): boolean {
  return !isStatus(error) || error.code >= 500;
}

/** Also of a Status, which has none. */
function versionOf(answer: unknown): string | undefined {
  return (answer as Partial<KubeObject> | undefined)?.metadata?.resourceVersion;
}
