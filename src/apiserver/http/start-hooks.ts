import type { HealthCheck } from "#apiserver/http/health.ts";

/**
 * The steps of a start that health tells of, under upstream's names and in the order in which it registers them. A server
 * tells of those that it has.
 *
 * @see apiserver pkg/server/hooks.go
 */
const ORDER = [
  "start-apiserver-admission-initializer",
  "generic-apiserver-start-informers",
  "priority-and-fairness-config-consumer",
  "priority-and-fairness-filter",
  "storage-object-count-tracker-hook",
  "start-apiextensions-informers",
  "start-apiextensions-controllers",
  "crd-informer-synced",
  "start-system-namespaces-controller",
  "start-cluster-authentication-info-controller",
  "start-kube-apiserver-identity-lease-controller",
  "start-kube-apiserver-identity-lease-garbage-collector",
  "start-legacy-token-tracking-controller",
  "start-service-ip-repair-controllers",
  "rbac/bootstrap-roles",
  "scheduling/bootstrap-system-priority-classes",
  "priority-and-fairness-config-producer",
  "bootstrap-controller",
  "start-kubernetes-service-cidr-controller",
  "aggregator-reload-proxy-client-cert",
  "start-kube-aggregator-informers",
  "apiservice-status-local-available-controller",
  "apiservice-status-remote-available-controller",
  "apiservice-registration-controller",
  "apiservice-wait-for-first-sync",
  "apiservice-discovery-controller",
  "kube-apiserver-autoregistration",
  "autoregister-completion",
  "apiservice-openapi-controller",
  "apiservice-openapiv3-controller",
] as const;

export type StartHookName = (typeof ORDER)[number];

/** Waits for something that the name does not call a hook. */
const PLAIN_NAMES: ReadonlySet<StartHookName> = new Set(["autoregister-completion"]);

/** What a start has to have done before the server is well. A step that is done stays so, whatever becomes of what it made. */
export class StartHooks {
  readonly #pending = new Map<StartHookName, (() => string | undefined) | "done">();

  /**
   * Makes a step known, before it is done.
   *
   * @param missing what is not there yet; without it, `done()` says when
   */
  add(name: StartHookName, missing: () => string | undefined = notFinished): void {
    this.#pending.set(name, missing);
  }

  /** Of a step that is over. */
  done(...names: readonly StartHookName[]): void {
    for (const name of names) this.#pending.set(name, "done");
  }

  get checks(): readonly HealthCheck[] {
    return ORDER.filter((name) => this.#pending.has(name)).map((name) => ({
      name: PLAIN_NAMES.has(name) ? name : `poststarthook/${name}`,
      check: () => this.#check(name),
    }));
  }

  #check(name: StartHookName): string | undefined {
    const pending = this.#pending.get(name);
    if (pending === undefined || pending === "done") return undefined;
    const fault = pending();
    if (fault === undefined) this.#pending.set(name, "done");
    return fault;
  }
}

const notFinished = () => "not finished";
