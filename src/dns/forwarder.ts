import { createSocket } from "node:dgram";
import { connect } from "node:net";

import type { Clock } from "#lib/clock.ts";
import type { Rng } from "#lib/rng.ts";

const PORT = 53;
const TRY_MS = 2000;
const MAX_IN_FLIGHT = 1000;
const ID_BYTES = 2;
const FLAGS_OFFSET = 2;
const TRUNCATED = 0x02;

export interface ForwarderOptions {
  /** Addresses of the host's resolvers, in order of preference; `address#port` for another port than 53. */
  readonly resolvers: () => readonly string[];
  readonly clock: Clock;
  readonly rng: Rng;
}

/** Passes queries on to the host's resolvers: each in turn until one answers, by TCP when the answer was cut. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  #inFlight = 0;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  /** @throws when no resolver answers, or too much is under way already */
  async forward(query: Buffer): Promise<Buffer> {
    if (this.#inFlight >= MAX_IN_FLIGHT) throw new Error("too many queries under way");
    this.#inFlight++;
    try {
      return await this.#tryEach(query);
    } finally {
      this.#inFlight--;
    }
  }

  async #tryEach(query: Buffer): Promise<Buffer> {
    const resolvers = this.#options.resolvers();
    let last: unknown = new Error("the host names no resolver");
    for (const resolver of resolvers) {
      try {
        return await this.#ask(query, resolver);
      } catch (error) {
        last = error;
      }
    }
    throw new Error("no resolver answers", { cause: last });
  }

  /** Under an id of our own, so that answers cannot be guessed by who knows the client's. */
  async #ask(query: Buffer, resolver: string): Promise<Buffer> {
    const [address = "", port = PORT] = resolver.split("#");
    const own = Buffer.from(query);
    own.writeUInt16BE(Math.floor(this.#options.rng() * 0x10000));
    let answer = await this.#byUdp(own, address, Number(port));
    if ((answer[FLAGS_OFFSET]! & TRUNCATED) !== 0) answer = await this.#byTcp(own, address, Number(port));
    query.copy(answer, 0, 0, ID_BYTES);
    return answer;
  }

  #byUdp(query: Buffer, address: string, port: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
      const finish = (error: Error | undefined, answer?: Buffer) => {
        timer.cancel();
        socket.close();
        if (answer !== undefined) resolve(answer);
        else reject(error);
      };
      const timer = this.#options.clock.after(TRY_MS, () => finish(new Error(`${address} did not answer`)));
      socket.on("error", (error) => finish(error));
      socket.on("message", (answer) => {
        if (answer.length > FLAGS_OFFSET && answer.readUInt16BE() === query.readUInt16BE()) finish(undefined, answer);
      });
      socket.connect(port, address, () => socket.send(query));
    });
  }

  #byTcp(query: Buffer, address: string, port: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, address);
      const timer = this.#options.clock.after(TRY_MS, () => socket.destroy(new Error(`${address} did not answer`)));
      let received: Buffer = Buffer.alloc(0);
      socket.on("connect", () => socket.write(framed(query)));
      socket.on("data", (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        if (received.length < ID_BYTES || received.length < ID_BYTES + received.readUInt16BE()) return;
        resolve(received.subarray(ID_BYTES, ID_BYTES + received.readUInt16BE()));
        socket.destroy();
      });
      socket.on("error", reject);
      socket.on("close", () => {
        timer.cancel();
        reject(new Error(`${address} closed the connection`));
      });
    });
  }
}

/** A message as TCP carries it: its length, then itself. */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** The resolvers that a resolv.conf names, without those in `except` (our own address would be a circle). */
export function resolversIn(resolvConf: string, except: readonly string[] = []): string[] {
  return resolvConf
    .split("\n")
    .map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1])
    .filter((address) => address !== undefined)
    .filter((address) => !except.includes(address));
}
