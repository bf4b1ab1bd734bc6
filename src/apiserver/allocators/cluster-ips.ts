import { isIPv6 } from "node:net";

import { bandedPool, type Pool } from "#apiserver/allocators/pool.ts";
import type { Rng } from "#lib/rng.ts";

export type IpFamily = "IPv4" | "IPv6";

const BAND = { part: 16, largest: 256 };

/** The addresses of services: an IPv4 network without its first and last address. */
export class ClusterIps {
  readonly family: IpFamily = "IPv4";
  readonly #cidr: string;
  readonly #base: number;
  readonly #pool: Pool;
  readonly #size: number;

  /** @param cidr like `10.43.0.0/16` */
  constructor(cidr: string, rng: Rng) {
    const [address = "", bits = ""] = cidr.split("/");
    const parsed = parseIpv4(address);
    const prefix = Number(bits);
    if (parsed === undefined || !Number.isInteger(prefix) || prefix < 8 || prefix > 30) throw new RangeError(`not an IPv4 service range: ${cidr}`);
    const total = 2 ** (32 - prefix);
    this.#base = parsed - (parsed % total);
    this.#cidr = `${formatIpv4(this.#base)}/${prefix}`;
    this.#size = total - 2;
    this.#pool = bandedPool(this.#size, BAND, rng);
  }

  /** The address that the `kubernetes` service has. */
  get first(): string {
    return formatIpv4(this.#base + 1);
  }

  /** @returns why the address cannot be had, `undefined` when it now is the caller's */
  take(ip: string): string | undefined {
    const refusal = this.refusal(ip);
    if (refusal !== undefined) return refusal;
    return this.#pool.take(this.#index(ip)!) ? undefined : "provided IP is already allocated";
  }

  /** Why the address can never be had. */
  refusal(ip: string): string | undefined {
    if (this.#index(ip) !== undefined) return undefined;
    const parsed = parseIpv4(ip);
    const printed = parsed === undefined ? ip : formatIpv4(parsed);
    return `the provided IP (${printed}) is not in the valid range. The range of valid IPs is ${this.#cidr}`;
  }

  /** Any free address, `undefined` when there is none. */
  takeAny(): string | undefined {
    const index = this.#pool.takeAny();
    return index === undefined ? undefined : formatIpv4(this.#base + 1 + index);
  }

  /** Some address of the range, as a dry run is told. */
  get sample(): string {
    return formatIpv4(this.#base);
  }

  give(ip: string): void {
    const index = this.#index(ip);
    if (index !== undefined) this.#pool.give(index);
  }

  #index(ip: string): number | undefined {
    const parsed = parseIpv4(ip);
    if (parsed === undefined) return undefined;
    const index = parsed - this.#base - 1;
    return index >= 0 && index < this.#size ? index : undefined;
  }
}

/** Leading zeros are taken, and mean nothing, as upstream reads the addresses of old objects. */
export function parseIpv4(text: string): number | undefined {
  if (!/^\d{1,10}(\.\d{1,10}){3}$/.test(text)) return undefined;
  const parts = text.split(".").map(Number);
  if (parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

export function formatIpv4(value: number): string {
  return [value / 2 ** 24, value / 2 ** 16, value / 2 ** 8, value].map((part) => Math.floor(part) % 256).join(".");
}

export function familyOf(ip: string): IpFamily | undefined {
  if (parseIpv4(ip) !== undefined) return "IPv4";
  return isIPv6(ip) ? "IPv6" : undefined;
}
