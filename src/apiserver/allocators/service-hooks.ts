import type { Service } from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";
import type { FieldError } from "#apimachinery/field-error.ts";
import { FieldPath, fieldError } from "#apimachinery/field-error.ts";
import { statusError } from "#apimachinery/status-error.ts";
import { ClusterIps } from "#apiserver/allocators/cluster-ips.ts";
import { carryOver, initFamilies, isHeadless, normalizeClusterIps } from "#apiserver/allocators/cluster-ip-fields.ts";
import { NodePorts, PortOperation } from "#apiserver/allocators/node-ports.ts";
import { takeNodePorts } from "#apiserver/allocators/service-ports.ts";
import type { ResourceHooks } from "#apiserver/registry/types.ts";
import type { Rng } from "#lib/rng.ts";

export interface ServiceAllocationConfig {
  /** `10.43.0.0/16` */
  readonly serviceCidr: string;
  /** `30000-32767` */
  readonly nodePortRange: string;
}

/** Gives services their cluster addresses and node ports. */
export class ServiceAllocation implements ResourceHooks {
  readonly #ips: ClusterIps;
  readonly #ports: NodePorts;

  constructor({ serviceCidr, nodePortRange }: ServiceAllocationConfig, rng: Rng) {
    this.#ips = new ClusterIps(serviceCidr, rng);
    this.#ports = new NodePorts(nodePortRange, rng);
  }

  /** Takes what is in use already: at the start, and for what other servers have given away. */
  seed(services: Iterable<Service>): void {
    for (const service of services) {
      for (const ip of addressesOf(service)) this.#ips.take(ip);
      for (const port of nodePortsOf(service)) this.#ports.take(port);
    }
  }

  beforeCommit(object: unknown, old: unknown, { dryRun }: { readonly dryRun: boolean }): Promise<{ rollback(): void } | void> {
    return new Promise((resolve) => resolve(this.allocate(object as Mutable<Service>, old as Service | undefined, dryRun)));
  }

  /** @throws {StatusError} 422 when what is asked for cannot be had; nothing is taken then */
  allocate(service: Mutable<Service>, old: Service | undefined, dryRun: boolean): { rollback(): void } | undefined {
    if (old !== undefined) carryOver(service, old);
    normalizeClusterIps(service, old);
    refuse(service, initFamilies(service, old, this.#ips.family));
    const ips = this.#takeAddresses(service, old, dryRun);
    const ports = new PortOperation(this.#ports, dryRun);
    const rollback = () => {
      for (const ip of ips) this.#ips.give(ip);
      ports.rollback();
    };
    try {
      takeNodePorts(service, old, ports);
    } catch (error) {
      rollback();
      throw error;
    }
    return { rollback };
  }

  afterCommit(object: unknown, old: unknown): void {
    if (old === undefined) return;
    const ips = new Set(addressesOf(object as Service));
    const ports = new Set(nodePortsOf(object as Service));
    for (const ip of addressesOf(old as Service)) if (!ips.has(ip)) this.#ips.give(ip);
    for (const port of nodePortsOf(old as Service)) if (!ports.has(port)) this.#ports.give(port);
  }

  afterDelete(object: unknown): void {
    for (const ip of addressesOf(object as Service)) this.#ips.give(ip);
    for (const port of nodePortsOf(object as Service)) this.#ports.give(port);
  }

  /** @returns the addresses to give back when the write fails */
  #takeAddresses(service: Mutable<Service>, old: Service | undefined, dryRun: boolean): string[] {
    const { spec } = service;
    if (spec === undefined || spec.type === "ExternalName" || isHeadless(service)) return [];
    if (old !== undefined && old.spec?.type !== "ExternalName") return [];
    const asked = spec.clusterIPs?.[0] ?? "";
    if (asked === "") {
      const ip = dryRun ? this.#ips.sample : this.#ips.takeAny();
      if (ip === undefined) throw statusError.internal("failed to allocate a serviceIP: range is full");
      spec.clusterIP = ip;
      spec.clusterIPs = [ip];
      return dryRun ? [] : [ip];
    }
    const why = dryRun ? this.#ips.refusal(asked) : this.#ips.take(asked);
    if (why !== undefined) refuse(service, [fieldError.invalid(new FieldPath("spec.clusterIPs"), spec.clusterIPs, `failed to allocate IP ${asked}: ${why}`)]);
    spec.clusterIP = asked;
    return dryRun ? [] : [asked];
  }
}

function refuse(service: Mutable<Service>, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw statusError.invalid({ group: "", kind: "Service" }, service.metadata.name, errors);
}

function addressesOf({ spec }: Service): readonly string[] {
  if (spec === undefined || spec.type === "ExternalName") return [];
  return (spec.clusterIPs ?? []).filter((ip) => ip !== "" && ip !== "None");
}

function nodePortsOf({ spec }: Service): number[] {
  const ports = (spec?.ports ?? []).map(({ nodePort }) => nodePort ?? 0);
  return [...ports, spec?.healthCheckNodePort ?? 0].filter((port) => port !== 0);
}
