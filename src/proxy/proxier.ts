import { ENDPOINT_SLICES, SERVICES } from "#api/builtin.ts";
import { endpointAddressesOf, serviceKeysOf } from "#api/discovery-v1/endpoint-slice.ts";
import type { Endpoint, EndpointSlice } from "#api/discovery-v1/types.ts";
import { keyOf } from "#apimachinery/object.ts";
import type { Informer, InformerFactory } from "#client/informer.ts";
import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import type { Service } from "#api/core-v1/types.ts";

import { baseTable, INITIAL_DRAW, type TableConfig } from "./base-table.ts";
import { ElementTable, largestDraw } from "./element-table.ts";
import { EndpointGate, type Probe } from "./endpoint-gate.ts";
import { type Element, elementsOf } from "./service-elements.ts";

export interface ProxierDeps {
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Applies an nft script, all or nothing. */
  readonly nft: (script: string) => Promise<void>;
  /** Makes the kernel forget UDP flows to `ip:port`, which would stick to an endpoint that is gone. */
  readonly forgetUdpFlows: (ip: string | undefined, port: string) => Promise<void>;
  readonly probe: Probe;
}

export interface ProxierConfig extends TableConfig {
  readonly nodeName: string;
}

const RETRY_MS = 1000;
/** Services put into one nft script; a script of all of a large cluster would hold the thread. */
const BATCH = 500;

/** Keeps the node's nftables table true to Services and EndpointSlices, by element. */
export class Proxier {
  readonly #config: ProxierConfig;
  readonly #deps: ProxierDeps;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #gate: EndpointGate;
  #table: ElementTable;
  #maxDraw = INITIAL_DRAW;
  readonly #dirty = new Set<string>();
  #isFlushing = false;
  #isFlushPlanned = false;
  #isStopped = false;
  /** Services that hold back an endpoint. */
  readonly #held = new Set<string>();
  #waiters: { ip: string; resolve: () => void }[] = [];
  readonly #unsubscribe: (() => void)[] = [];

  constructor(config: ProxierConfig, deps: ProxierDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#services = deps.informers.informer(SERVICES);
    this.#slices = deps.informers.informer(ENDPOINT_SLICES, { service: serviceKeysOf, address: endpointAddressesOf });
    this.#table = new ElementTable(`ip ${config.name}`);
    this.#gate = new EndpointGate(deps.clock, deps.probe, () => this.#mark(...this.#held));
  }

  /** Resolves once the table shows the services that stand now. */
  async start(): Promise<void> {
    await Promise.all([this.#services.synced, this.#slices.synced]);
    this.#trustStanding();
    this.#isFlushing = true; // what changes from here on waits until the first table stands
    this.#listen();
    try {
      await this.#rebuild();
    } finally {
      this.#isFlushing = false;
    }
    this.#mark();
  }

  #listen(): void {
    const ofSlice = (slice: EndpointSlice) => this.#mark(...serviceKeysOf(slice));
    this.#unsubscribe.push(
      this.#services.onChange({ added: (s) => this.#mark(keyOf(s)), updated: (s) => this.#mark(keyOf(s)), deleted: (s) => this.#mark(keyOf(s)) }),
      this.#slices.onChange({
        added: ofSlice,
        updated: (slice, before) => this.#sliceChanged(slice, before),
        deleted: (slice) => this.#sliceChanged(undefined, slice),
      }),
    );
  }

  stop(): void {
    this.#isStopped = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    for (const { resolve } of this.#waiters) resolve();
  }

  /** Resolves once no new connection is sent to the pod at `ip`: before that, its containers should not be stopped. */
  drained(ip: string): Promise<void> {
    if (this.#isDrained(ip) || this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ ip, resolve }));
  }

  /** What stood before this process started has been serving already. */
  #trustStanding(): void {
    for (const { ports, endpoints } of this.#slices.list()) {
      for (const { port } of ports ?? []) for (const { addresses } of endpoints ?? []) if (port !== undefined) this.#gate.trust(addresses[0]!, port);
    }
  }

  #sliceChanged(slice: EndpointSlice | undefined, before: EndpointSlice): void {
    for (const ip of endpointAddressesOf(before)) if (this.#slices.byIndex("address", ip).length === 0) this.#gate.forget(ip);
    this.#mark(...serviceKeysOf(before), ...(slice === undefined ? [] : serviceKeysOf(slice)));
  }

  #mark(...keys: readonly string[]): void {
    for (const key of keys) this.#dirty.add(key);
    if (this.#isFlushPlanned || this.#isFlushing || this.#isStopped || this.#dirty.size === 0) return;
    this.#isFlushPlanned = true;
    queueMicrotask(() => void this.#flush());
  }

  async #flush(): Promise<void> {
    this.#isFlushPlanned = false;
    this.#isFlushing = true;
    try {
      while (this.#dirty.size > 0 && !this.#isStopped) await this.#apply([...this.#dirty].slice(0, BATCH));
      this.#wakeWaiters();
    } catch (error) {
      this.#deps.logger.warn("nft refused a change, rebuilding the table", { error });
      await this.#rebuildUntilDone();
    } finally {
      this.#isFlushing = false;
      this.#mark();
    }
  }

  async #apply(keys: readonly string[]): Promise<void> {
    const udp = new Set<string>();
    const changes: string[] = [];
    const sweeps: string[] = [];
    for (const key of keys) {
      this.#dirty.delete(key);
      const before = this.#table.elementsOf(key);
      const wanted = this.#wanted(key);
      if (largestDraw(wanted) > this.#maxDraw) return this.#rebuild();
      const { change, sweep } = this.#table.update(key, wanted);
      changes.push(...change);
      sweeps.push(...sweep);
      for (const other of this.#table.takeFreed()) this.#dirty.add(other);
      for (const flow of lostUdpFlows(before, wanted)) udp.add(flow);
    }
    for (const lines of [changes, sweeps]) if (lines.length > 0) await this.#deps.nft(`${lines.join("\n")}\n`);
    for (const flow of udp) await this.#forgetFlow(flow);
  }

  #wanted(key: string): Element[] {
    const service = this.#services.get(key);
    if (service === undefined) return [];
    let isHolding = false;
    const isAccepting = (ip: string, port: number, protocol: string) => {
      const accepts = protocol !== "tcp" || this.#gate.isAccepting(ip, port); // others have no handshake to try
      isHolding ||= !accepts;
      return accepts;
    };
    const elements = elementsOf({ service, slices: this.#slices.byIndex("service", key), nodeName: this.#config.nodeName, isAccepting });
    if (isHolding) this.#held.add(key);
    else this.#held.delete(key);
    return elements;
  }

  async #forgetFlow(flow: string): Promise<void> {
    const [ip, , port] = flow.split(" . ");
    const [address, number] = port === undefined ? [undefined, flow.split(" . ")[1]!] : [ip!, port];
    await this.#deps.forgetUdpFlows(address, number).catch((error: unknown) => this.#deps.logger.warn("stale UDP flows stay", { flow, error }));
  }

  /** One transaction: connections find the old table or the new one. */
  async #rebuild(): Promise<void> {
    this.#dirty.clear();
    const table = new ElementTable(`ip ${this.#config.name}`);
    const elements = this.#services.list().map((service) => ({ key: keyOf(service), wanted: this.#wanted(keyOf(service)) }));
    for (const { wanted } of elements) while (largestDraw(wanted) > this.#maxDraw) this.#maxDraw *= 2;
    const lines = elements.flatMap(({ key, wanted }) => table.update(key, wanted).change);
    this.#table = table;
    await this.#deps.nft(`${baseTable(this.#config, this.#maxDraw)}${lines.join("\n")}\n`);
    this.#wakeWaiters();
  }

  async #rebuildUntilDone(): Promise<void> {
    while (!this.#isStopped) {
      try {
        return await this.#rebuild();
      } catch (error) {
        this.#deps.logger.error("nft refused the whole table", { error });
        await new Promise<void>((resolve) => this.#deps.clock.after(RETRY_MS, resolve));
      }
    }
  }

  #isDrained(ip: string): boolean {
    return !this.#isFlushing && this.#dirty.size === 0 && !this.#isUsed(ip);
  }

  #isUsed(ip: string): boolean {
    const uses = ({ addresses, conditions }: Endpoint) => addresses[0] === ip && conditions?.ready !== false;
    return this.#slices.byIndex("address", ip).some(({ endpoints }) => endpoints?.some(uses));
  }

  #wakeWaiters(): void {
    if (this.#dirty.size > 0) return; // what made an endpoint unused may not have reached the kernel yet
    const { done = [], waiting = [] } = Object.groupBy(this.#waiters, ({ ip }) => (this.#isUsed(ip) ? "waiting" : "done"));
    this.#waiters = waiting;
    for (const { resolve } of done) resolve();
  }
}

/** Keys of UDP ports whose endpoints are no longer all there. */
function lostUdpFlows(before: readonly Element[], wanted: readonly Element[]): string[] {
  const stays = new Set(wanted.map(({ key, value }) => `${key} ${value}`));
  return before
    .filter(({ map, key, value }) => map !== "hairpins" && key.includes("udp") && !stays.has(`${key} ${value}`))
    .map(({ map, key }) => (map.endsWith("_slots") ? key.slice(0, key.lastIndexOf(" . ")) : key));
}
