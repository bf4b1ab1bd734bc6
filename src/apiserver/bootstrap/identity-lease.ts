import { createHash } from "node:crypto";

import type { Lease } from "#api/coordination-v1/types.ts";
import { builtin } from "#api/resources.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import type { Call } from "#apiserver/registry/types.ts";
import { type Clock, formatMicroTime, type Timer } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

export interface IdentityDeps {
  readonly reader: ObjectReader;
  /** The registry, past authorization. */
  readonly perform: (call: Call) => Promise<unknown>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newUid: () => string;
  /** Of this machine: a server that starts again there is the same one. */
  readonly hostname: string;
}

const LEASES = builtin<Lease>("coordination.k8s.io", "v1", "leases");
const NAMESPACE = "kube-system";
const IDENTITY = "apiserver.kubernetes.io/identity";
const COMPONENT = "kube-apiserver";
const DURATION_S = 3600;
const RENEW_MS = 10_000;
const SWEEP_MS = 3_600_000;

/** `apiserver-` and 26 letters of the host's name. @see apiserver pkg/server/config.go */
export function serverIdOf(hostname: string): string {
  return `apiserver-${base32(createHash("sha256").update(hostname).digest().subarray(0, 16))}`;
}

/**
 * Says by a Lease that this API server runs, and removes those of servers that have been silent for an hour.
 *
 * @see kubernetes pkg/controlplane/apiserver/server.go, pkg/controlplane/controller/apiserverleasegc
 */
export class IdentityLease {
  readonly #deps: IdentityDeps;
  readonly #name: string;
  readonly #holder: string;
  readonly #timers: Timer[] = [];
  #busy = false;

  constructor(deps: IdentityDeps) {
    this.#deps = deps;
    this.#name = serverIdOf(deps.hostname);
    this.#holder = `${this.#name}_${deps.newUid()}`;
  }

  start(): void {
    const { clock } = this.#deps;
    this.#timers.push(
      clock.every(RENEW_MS, () => void this.renew()),
      clock.every(SWEEP_MS, () => void this.sweep()),
    );
    void this.renew();
  }

  stop(): void {
    for (const timer of this.#timers) timer.cancel();
  }

  /** One at a time; what fails is tried again at the next turn. */
  async renew(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      await this.#deps.perform(this.#renewal());
    } catch (error) {
      if (!isStatus(error, "AlreadyExists", "Conflict", "NotFound")) this.#deps.logger.warn("the server's lease cannot be renewed", { error });
    } finally {
      this.#busy = false;
    }
  }

  #renewal(): Call {
    const { reader, clock, hostname } = this.#deps;
    const found = reader.lookup(LEASES, NAMESPACE, this.#name);
    const spec = { holderIdentity: this.#holder, leaseDurationSeconds: DURATION_S, renewTime: formatMicroTime(clock.now()) };
    const labels = { ...found?.metadata.labels, [IDENTITY]: COMPONENT, "kubernetes.io/hostname": hostname };
    const target = { resource: LEASES, namespace: NAMESPACE };
    const type = { apiVersion: "coordination.k8s.io/v1", kind: "Lease" };
    if (found === undefined) return { verb: "create", ...target, body: { ...type, metadata: { name: this.#name, labels }, spec } };
    return {
      verb: "update",
      ...target,
      name: this.#name,
      body: { ...found, ...type, metadata: { ...found.metadata, labels }, spec: { ...found.spec, ...spec } },
    };
  }

  async sweep(): Promise<void> {
    const { reader, clock, perform, logger } = this.#deps;
    const silent = reader.list(LEASES, NAMESPACE).filter((lease) => lease.metadata.labels?.[IDENTITY] === COMPONENT && isExpired(lease, clock.now()));
    for (const { metadata } of silent) {
      const body = { preconditions: { uid: metadata.uid, resourceVersion: metadata.resourceVersion } };
      await perform({ verb: "delete", resource: LEASES, namespace: NAMESPACE, name: metadata.name, body }).catch((error: unknown) => {
        if (!isStatus(error, "NotFound", "Conflict")) logger.warn("the lease of a server that is gone cannot be removed", { name: metadata.name, error });
      });
    }
  }
}

function isExpired({ spec }: Lease, nowMs: number): boolean {
  const { renewTime, leaseDurationSeconds } = spec ?? {};
  return renewTime === undefined || leaseDurationSeconds === undefined || Date.parse(renewTime) + leaseDurationSeconds * 1000 < nowMs;
}

function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{1,5}/g) ?? []).map((five) => "abcdefghijklmnopqrstuvwxyz234567"[Number.parseInt(five.padEnd(5, "0"), 2)]).join("");
}
