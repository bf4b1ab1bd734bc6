import { LEASES } from "#api/builtin.ts";
import type { Lease, LeaseSpec } from "#api/coordination-v1/types.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import type { Client, ObjectRef } from "#client/client.ts";
import { formatMicroTime, sleep, type Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import type { Rng } from "#lib/rng.ts";

export interface LeaderElectionOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly lease: ObjectRef & { readonly namespace: string };
  /** Who we are; no two candidates may share it. */
  readonly identity: string;
  /** How long the others wait for a leader that says nothing. */
  readonly leaseDurationMs?: number;
  /** A leader that could not renew for so long gives up; less than `leaseDurationMs`. */
  readonly renewDeadlineMs?: number;
  readonly retryPeriodMs?: number;
}

/** What a candidate last saw of the Lease, and when by its own clock: the holders' clocks may differ. */
interface Sighting {
  readonly lease: Lease;
  readonly seenMs: number;
}

/**
 * Leads whenever the Lease can be had, until `signal` aborts; then gives the Lease back.
 *
 * @param lead does the leader's work until its signal aborts: leadership is lost, or no longer wanted
 * @see client-go tools/leaderelection
 */
export async function runWithLease(options: LeaderElectionOptions, lead: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
  const { clock, rng, retryPeriodMs = 2_000 } = options;
  const candidate = new Candidate(options);
  while (!signal.aborted) {
    if (!(await candidate.tryAcquire())) {
      await sleep(clock, retryPeriodMs * (1 + 0.2 * rng()), signal).catch(() => {});
      continue;
    }
    const term = new AbortController();
    const stop = () => term.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    const work = lead(term.signal);
    await candidate.keep(term.signal);
    term.abort(new Error("leadership lost"));
    signal.removeEventListener("abort", stop);
    await work;
    if (signal.aborted) await candidate.release();
  }
}

class Candidate {
  readonly #options: LeaderElectionOptions;
  #seen: Sighting | undefined;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
  }

  /** @returns whether we hold the Lease now */
  async tryAcquire(): Promise<boolean> {
    const { client, clock, lease, identity, logger, leaseDurationMs = 15_000 } = this.#options;
    try {
      const current = await client.get(LEASES, lease);
      if (this.#seen?.lease.metadata.resourceVersion !== current.metadata.resourceVersion) this.#seen = { lease: current, seenMs: clock.monotonic() };
      const holder = current.spec.holderIdentity ?? "";
      const heldMs = (current.spec.leaseDurationSeconds ?? leaseDurationMs / 1000) * 1000;
      if (holder !== "" && holder !== identity && clock.monotonic() < this.#seen.seenMs + heldMs) return false;
      const spec = this.#spec(holder === identity ? current.spec : { leaseTransitions: (current.spec.leaseTransitions ?? 0) + 1 });
      this.#seen = { lease: await client.update(LEASES, { ...current, spec }), seenMs: clock.monotonic() };
      return true;
    } catch (error) {
      if (isStatus(error, "NotFound")) return this.#create();
      logger.debug("lease not acquired", { lease: lease.name, error });
      return false;
    }
  }

  /** Renews until `signal` aborts or renewing has failed for too long. */
  async keep(signal: AbortSignal): Promise<void> {
    const { clock, retryPeriodMs = 2_000, renewDeadlineMs = 10_000 } = this.#options;
    let renewedMs = clock.monotonic();
    while (!signal.aborted) {
      await sleep(clock, retryPeriodMs, signal).catch(() => {});
      if (signal.aborted) return;
      const renewed = await Promise.race([
        this.tryAcquire(),
        sleep(clock, renewDeadlineMs, signal).then(
          () => false,
          () => false,
        ),
      ]);
      if (renewed) renewedMs = clock.monotonic();
      else if (clock.monotonic() - renewedMs >= renewDeadlineMs) return;
    }
  }

  /** Lets the next candidate in without a wait. */
  async release(): Promise<void> {
    const { client, clock, logger } = this.#options;
    if (this.#seen === undefined) return;
    const { lease } = this.#seen;
    const time = formatMicroTime(clock.now());
    const spec = { ...lease.spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime: time, acquireTime: time };
    await client.update(LEASES, { ...lease, spec }).catch((error: unknown) => logger.debug("lease not released", { error }));
  }

  async #create(): Promise<boolean> {
    const { client, clock, lease, logger } = this.#options;
    try {
      const created = await client.create(LEASES, { metadata: { namespace: lease.namespace, name: lease.name }, spec: this.#spec({ leaseTransitions: 0 }) });
      this.#seen = { lease: created, seenMs: clock.monotonic() };
      return true;
    } catch (error) {
      logger.debug("lease not created", { lease: lease.name, error });
      return false;
    }
  }

  #spec(before: LeaseSpec): LeaseSpec {
    const { clock, identity, leaseDurationMs = 15_000 } = this.#options;
    const time = formatMicroTime(clock.now());
    const acquireTime = before.acquireTime ?? time;
    return { ...before, holderIdentity: identity, leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000), acquireTime, renewTime: time };
  }
}
