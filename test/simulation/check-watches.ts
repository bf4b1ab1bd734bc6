import { DEPLOYMENTS, PODS } from "#api/builtin.ts";
import type { Pod } from "#api/core-v1/types.ts";
import type { Resource } from "#api/resources.ts";
import type { KubeList, KubeObject } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import type { Transport, WatchEvent } from "#client/transport.ts";
import { type Clock, sleep } from "#lib/clock.ts";
import { sameJson } from "#lib/same-json.ts";

import type { Case } from "./judge.ts";
import type { SimDisk } from "./sim-disk.ts";

interface View {
  readonly name: string;
  readonly resource: Resource;
  readonly prefix: string;
  readonly scope: { readonly namespace?: string; readonly labelSelector?: string; readonly fieldSelector?: string };
  readonly selects: (object: KubeObject) => boolean;
}

const PODS_PREFIX = "/registry/pods/";
const appIs =
  (app: string) =>
  ({ metadata }: KubeObject) =>
    metadata.labels?.["app"] === app;

/** Watches of each sort that the server keeps: all of a kind, of a namespace, by node, and by what objects leave and enter. */
export const VIEWS: readonly View[] = [
  { name: "all pods", resource: PODS, prefix: PODS_PREFIX, scope: {}, selects: () => true },
  { name: "pods of app web", resource: PODS, prefix: PODS_PREFIX, scope: { labelSelector: "app=web" }, selects: appIs("web") },
  {
    name: "pods on n1",
    resource: PODS,
    prefix: PODS_PREFIX,
    scope: { fieldSelector: "spec.nodeName=n1" },
    selects: (pod) => (pod as Pod).spec.nodeName === "n1",
  },
  {
    name: "deployments in team",
    resource: DEPLOYMENTS,
    prefix: "/registry/deployments/team/",
    scope: { namespace: "team" },
    selects: () => true,
  },
];

/**
 * A client that does nothing but watch, and holds what it is given against what became durable: every event that concerns it, once, in
 * order, whatever happens to its connection.
 */
export class WatchAuditor {
  readonly #view: View;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #case: Case;
  #revision = 0;

  constructor(view: View, transport: Transport, clock: Clock, of: Case) {
    this.#view = view;
    this.#transport = transport;
    this.#clock = clock;
    this.#case = of;
    void this.#list();
  }

  async #list(): Promise<void> {
    const { resource, scope, name } = this.#view;
    const { namespace, ...options } = scope;
    for (;;) {
      try {
        const { metadata, items } = (await this.#transport.perform({ verb: "list", resource, namespace, options })) as KubeList;
        const version = Number(metadata.resourceVersion);
        if (version < this.#revision) this.#case.accuse(`${name}: a list shows ${version} after ${this.#revision} was seen`);
        if (items.some((item) => Number(item.metadata.resourceVersion) > version)) this.#case.accuse(`${name}: a list at ${version} shows what came later`);
        this.#revision = version;
        return this.#watch();
      } catch {
        await sleep(this.#clock, 700);
      }
    }
  }

  #watch(): void {
    const { resource, scope } = this.#view;
    const again = async (error: Error | undefined) => {
      await sleep(this.#clock, 300);
      return isStatus(error, "Expired", "Gone") ? this.#list() : this.#watch();
    };
    this.#transport.watch(
      { resource, ...scope, resourceVersion: String(this.#revision) },
      { onEvent: (event) => this.#take(event), onEnd: (error) => void again(error) },
    );
  }

  #take({ type, object }: WatchEvent): void {
    const { name } = this.#view;
    const version = Number(object.metadata.resourceVersion);
    const told = `${name}: ${type} ${object.metadata.name} at ${version}`;
    if (version <= this.#revision) return this.#case.accuse(`${told} comes after ${this.#revision}`);
    for (let revision = this.#revision + 1; revision < version; revision++) {
      const missed = wanted(this.#case.disk, revision, this.#view);
      if (missed !== undefined) return this.#case.accuse(`${told}: ${missed.type} ${missed.object.metadata.name} at ${revision} was left out`);
    }
    const want = wanted(this.#case.disk, version, this.#view);
    if (want === undefined) return this.#case.accuse(`${told}, where nothing of the sort happened`);
    if (want.type !== type) this.#case.accuse(`${told} should be ${want.type}`);
    if (!sameJson(bare(want.object), bare(object))) this.#case.accuse(`${told} shows ${JSON.stringify(object)}, not ${JSON.stringify(want.object)}`);
    this.#revision = version;
  }

  /** At rest, whoever watches has seen everything. */
  finish(): void {
    const { disk, accuse } = this.#case;
    for (let revision = this.#revision + 1; revision <= disk.revision; revision++)
      if (wanted(disk, revision, this.#view) !== undefined) return accuse(`${this.#view.name}: what happened at ${revision} was never told`);
  }
}

/** The kind stands in events, but not in what is kept; and a deletion shows the last state under its own version. */
const bare = (object: KubeObject) => ({ ...object, kind: undefined, apiVersion: undefined, metadata: { ...object.metadata, resourceVersion: undefined } });

/** The event that a view is to show of a revision: leaving it is a deletion, entering it an addition. */
function wanted(disk: SimDisk, revision: number, { prefix, selects }: View): { readonly type: string; readonly object: KubeObject } | undefined {
  for (const { key, object, before } of disk.changesAt(revision)) {
    if (!key.startsWith(prefix)) continue;
    const isIn = object !== undefined && selects(object);
    const wasIn = before !== undefined && selects(before);
    if (isIn) return { type: wasIn ? "MODIFIED" : "ADDED", object };
    if (wasIn) return { type: "DELETED", object: before };
  }
  return undefined;
}
