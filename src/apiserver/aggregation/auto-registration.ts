import { isDeepStrictEqual } from "node:util";

import type { CustomResourceDefinition } from "#api/apiextensions-v1/types.ts";
import { LOCAL, withAvailability } from "#api/apiregistration-v1/conditions.ts";
import type { APIService } from "#api/apiregistration-v1/types.ts";
import { builtin } from "#api/resources.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import type { ApiServices } from "#apiserver/aggregation/api-services.ts";
import type { Call } from "#apiserver/registry/types.ts";
import { type Clock, formatTime, type Timer } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

export const API_SERVICES = builtin<APIService>("apiregistration.k8s.io", "v1", "apiservices");
/** Says that an APIService is this server's own to keep. */
export const MANAGED = "kube-aggregator.kubernetes.io/automanaged";
const CONTINUOUSLY = "true";
export const ON_START = "onstart";
/** Custom resources come behind what the server has itself. */
const GROUP_PRIORITY = 1000;
const VERSION_PRIORITY = 100;
const RETRY_MS = 1000;

export interface AutoRegistrationDeps {
  readonly services: ApiServices;
  /** All that there are now. */
  readonly definitions: () => Iterable<CustomResourceDefinition>;
  /** Whether the server has that version of a group itself, custom resources aside. */
  readonly hasOwn: (group: string, version: string) => boolean;
  /** The registry, past authorization. */
  readonly perform: (call: Call) => Promise<unknown>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Keeps an APIService for each version of a group that definitions serve. Who takes the label off, or made the object without it, keeps it.
 *
 * @see kubernetes pkg/controlplane/controller/crdregistration, kube-aggregator pkg/controllers/autoregister
 */
export class AutoRegistration {
  readonly #deps: AutoRegistrationDeps;
  readonly #dirty = new Set<string>();
  /** Those of before the start that have not been looked at: of what an earlier server had, and this one has not, none is left. */
  readonly #earlier = new Set<string>();
  /** By name; undefined when definitions have changed since. */
  #wanted: ReadonlyMap<string, APIService["spec"]> | undefined;
  #running: Promise<void> | undefined;
  #retry: Timer | undefined;
  #stopped = false;

  constructor(deps: AutoRegistrationDeps) {
    this.#deps = deps;
    deps.services.onChange((name) => this.#enqueue(name));
  }

  /** Whether all is as it should be. */
  get isSettled(): boolean {
    return this.#running === undefined && this.#dirty.size === 0;
  }

  /** At the start: what became of definitions while no server ran. */
  start(): void {
    for (const { spec } of this.#deps.definitions()) this.changed(spec);
    for (const name of this.#deps.services.names) {
      this.#earlier.add(name);
      this.#enqueue(name);
    }
  }

  /** To be called when a definition was made, changed or deleted, with what it was and is. */
  changed({ group, versions }: CustomResourceDefinition["spec"]): void {
    this.#wanted = undefined;
    for (const { name } of versions) this.#enqueue(`${name}.${group}`);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#retry?.cancel();
    await this.#running;
  }

  #enqueue(name: string): void {
    if (this.#stopped) return;
    this.#dirty.add(name);
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    await undefined; // several events of one turn are one look
    const failed: string[] = [];
    for (const name of this.#dirty) {
      this.#dirty.delete(name);
      const current = this.#deps.services.get(name);
      const call =
        (this.#earlier.delete(name) ? this.#leftoverCall(current) : undefined) ??
        localCall(current, formatTime(this.#deps.clock.now())) ??
        registrationCall(current, (this.#wanted ??= this.#collect()).get(name));
      if (call === undefined || this.#stopped) continue;
      try {
        await this.#deps.perform(call);
      } catch (error) {
        if (isStatus(error, "AlreadyExists", "NotFound", "Conflict")) continue; // whoever was faster is heard of
        this.#deps.logger.warn("an API service cannot be registered", { name, error });
        failed.push(name);
      }
    }
    this.#running = undefined; // in the same turn as the last look at what is to be done
    if (failed.length > 0 && !this.#stopped) this.#retry = this.#deps.clock.after(RETRY_MS, () => failed.forEach((name) => this.#enqueue(name)));
  }

  #leftoverCall(current: APIService | undefined): Call | undefined {
    if (current?.metadata.labels?.[MANAGED] !== ON_START) return undefined;
    const { group = "", version = "" } = current.spec;
    return this.#deps.hasOwn(group, version) ? undefined : deletion(current);
  }

  #collect(): ReadonlyMap<string, APIService["spec"]> {
    const wanted = new Map<string, APIService["spec"]>();
    for (const { spec } of this.#deps.definitions()) {
      for (const { name: version, served } of spec.versions) {
        const name = `${version}.${spec.group}`;
        if (served) wanted.set(name, { group: spec.group, version, groupPriorityMinimum: GROUP_PRIORITY, versionPriority: VERSION_PRIORITY });
      }
    }
    return wanted;
  }
}

/** Of an APIService that was another server's until now: what this server serves itself is there. */
function localCall(current: APIService | undefined, now: string): Call | undefined {
  if (current === undefined || current.spec.service) return undefined;
  const told = withAvailability(current, LOCAL, now);
  if (told === current) return undefined;
  const body = { ...told, apiVersion: "apiregistration.k8s.io/v1", kind: "APIService" };
  return { verb: "update", subresource: "status", resource: API_SERVICES, name: current.metadata.name, body };
}

/** What has to be written so that a custom resource's version has its APIService, and nothing else has. */
export function registrationCall(current: APIService | undefined, wanted: APIService["spec"] | undefined): Call | undefined {
  if (current === undefined) {
    if (wanted === undefined) return undefined;
    const metadata = { name: `${wanted.version}.${wanted.group}`, labels: { [MANAGED]: CONTINUOUSLY } };
    return { verb: "create", resource: API_SERVICES, body: { apiVersion: "apiregistration.k8s.io/v1", kind: "APIService", metadata, spec: wanted } };
  }
  const { name, labels, deletionTimestamp } = current.metadata;
  if (labels?.[MANAGED] !== CONTINUOUSLY || deletionTimestamp !== undefined) return undefined;
  if (wanted === undefined) return deletion(current);
  if (isDeepStrictEqual({ ...current.spec }, { ...wanted })) return undefined;
  const body = { ...current, apiVersion: "apiregistration.k8s.io/v1", kind: "APIService", spec: wanted };
  return { verb: "update", resource: API_SERVICES, name, body };
}

function deletion({ metadata }: APIService): Call {
  return { verb: "delete", resource: API_SERVICES, name: metadata.name, body: { preconditions: { uid: metadata.uid } } };
}
