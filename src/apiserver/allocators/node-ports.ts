import { bandedPool, type Pool } from "#apiserver/allocators/pool.ts";
import type { Rng } from "#lib/rng.ts";

const BAND = { part: 32, largest: 128 };
const TAKEN = "provided port is already allocated";
/** A dry run is told a port that no range has, as upstream does. */
const DRY_RUN_PORT = 32769;

/** The ports that services have on every node. */
export class NodePorts {
  readonly #first: number;
  readonly #last: number;
  readonly #pool: Pool;

  /** @param range like `30000-32767` */
  constructor(range: string, rng: Rng) {
    const [first = Number.NaN, last = Number.NaN] = range.split("-").map(Number);
    if (!(Number.isInteger(first) && Number.isInteger(last) && first > 0 && first <= last && last < 65536)) throw new RangeError(`not a port range: ${range}`);
    this.#first = first;
    this.#last = last;
    this.#pool = bandedPool(last - first + 1, BAND, rng);
  }

  take(port: number): string | undefined {
    if (!this.#contains(port)) return `provided port is not in the valid range. The range of valid ports is ${this.#first}-${this.#last}`;
    return this.#pool.take(port - this.#first) ? undefined : TAKEN;
  }

  takeAny(): number | undefined {
    const index = this.#pool.takeAny();
    return index === undefined ? undefined : this.#first + index;
  }

  give(port: number): void {
    if (this.#contains(port)) this.#pool.give(port - this.#first);
  }

  has(port: number): boolean {
    return this.#contains(port) && this.#pool.has(port - this.#first);
  }

  #contains(port: number): boolean {
    return port >= this.#first && port <= this.#last;
  }
}

/** The ports that one write takes, given back when the write fails. */
export class PortOperation {
  readonly #ports: NodePorts;
  readonly #dryRun: boolean;
  readonly #taken: number[] = [];

  constructor(ports: NodePorts, dryRun: boolean) {
    this.#ports = ports;
    this.#dryRun = dryRun;
  }

  take(port: number): string | undefined {
    const refusal = this.#dryRun ? (this.#ports.has(port) || this.#taken.includes(port) ? TAKEN : undefined) : this.#ports.take(port);
    if (refusal === undefined) this.#taken.push(port);
    return refusal;
  }

  takeAny(): number | undefined {
    const port = this.#dryRun ? Math.max(DRY_RUN_PORT - 1, ...this.#taken) + 1 : this.#ports.takeAny();
    if (port !== undefined) this.#taken.push(port);
    return port;
  }

  rollback(): void {
    if (this.#dryRun) return;
    for (const port of this.#taken) this.#ports.give(port);
  }
}
