import { CONFIG_MAPS } from "#api/builtin.ts";
import type { ConfigMap } from "#api/core-v1/types.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import type { Client } from "#client/client.ts";
import { type Clock, sleep } from "#lib/clock.ts";
import type { Rng } from "#lib/rng.ts";

import type { Case } from "./judge.ts";
import { between } from "./sim-process.ts";

const REF = { namespace: "default", name: "ledger" };
const KEY = "/registry/configmaps/default/ledger";

/**
 * Clients that count in one object, each in its own entry: reading, adding, and writing what was read. An update that is taken although somebody
 * else has written in between wipes the other's count out.
 */
export class Ledger {
  readonly #case: Case;
  readonly #writers: Writer[];

  constructor(clients: readonly Client[], clock: Clock, rng: Rng, of: Case) {
    this.#case = of;
    this.#writers = clients.map((client, i) => new Writer(`writer-${i}`, client, clock, rng));
  }

  start(): void {
    for (const writer of this.#writers) void writer.write();
  }

  stop(): void {
    for (const writer of this.#writers) writer.isStopped = true;
  }

  /** Every acknowledged count is there; one whose answer was lost may be. */
  finish(): void {
    const { data = {} } = (this.#case.disk.get(KEY) ?? {}) as ConfigMap;
    for (const { name, acknowledged, open } of this.#writers) {
      const count = Number(data[name] ?? 0);
      if (count < acknowledged || count > acknowledged + open)
        this.#case.accuse(`${name} counted to ${acknowledged}, with ${open} answers lost, and the ledger says ${count}`);
    }
  }
}

class Writer {
  readonly name: string;
  acknowledged = 0;
  open = 0;
  isStopped = false;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #rng: Rng;

  constructor(name: string, client: Client, clock: Clock, rng: Rng) {
    this.name = name;
    this.#client = client;
    this.#clock = clock;
    this.#rng = rng;
  }

  async write(): Promise<void> {
    while (!this.isStopped) {
      await this.#count();
      await sleep(this.#clock, this.#rng() < 0.5 ? between(this.#rng, 0, 4) : between(this.#rng, 2_000, 15_000));
    }
  }

  async #count(): Promise<void> {
    const found = await this.#read();
    if (found === undefined) return;
    const data = { ...found.data, [this.name]: String(Number(found.data?.[this.name] ?? 0) + 1) };
    try {
      await this.#client.update(CONFIG_MAPS, { ...found, data });
      this.acknowledged++;
    } catch (error) {
      if (!isStatus(error) || error.code >= 500) this.open++;
    }
  }

  /** What stands, made if there is none yet. */
  async #read(): Promise<ConfigMap | undefined> {
    try {
      return await this.#client.get<ConfigMap>(CONFIG_MAPS, REF);
    } catch (error) {
      if (isStatus(error, "NotFound")) await this.#client.create(CONFIG_MAPS, { metadata: REF }).catch(() => {});
      return undefined;
    }
  }
}
