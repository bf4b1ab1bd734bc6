import type { Clock } from "#lib/clock.ts";

/** How long an endpoint that does not accept connections is kept waiting; then it gets them all the same. */
const MAX_WAIT_MS = 2000;
const RETRY_MS = 20;
/** A connection attempt's own limit. */
const PROBE_MS = 500;

/** Tries to connect; resolves whether something accepted. */
export type Probe = (ip: string, port: number, timeoutMs: number) => Promise<boolean>;

type State = "waiting" | "open";

/**
 * Holds back local endpoints that have started but do not listen yet.
 *
 * A container without a readiness probe is ready as soon as it runs, and here that is known within milliseconds: before
 * most programs listen. Upstream's slower path hides that moment; ours must not turn it into refused connections.
 */
export class EndpointGate {
  /** By address, then port. */
  readonly #states = new Map<string, Map<number, State>>();
  readonly #clock: Clock;
  readonly #probe: Probe;
  readonly #onOpen: () => void;

  /** @param onOpen called when an endpoint that was held back may be used */
  constructor(clock: Clock, probe: Probe, onOpen: () => void) {
    this.#clock = clock;
    this.#probe = probe;
    this.#onOpen = onOpen;
  }

  /** Whether the endpoint may be used; the first question about one starts looking. */
  isAccepting(ip: string, port: number): boolean {
    const state = this.#states.get(ip)?.get(port);
    if (state === undefined) {
      this.#set(ip, port, "waiting");
      void this.#look(ip, port, this.#clock.monotonic() + MAX_WAIT_MS);
    }
    return state === "open";
  }

  /** Takes the endpoint as accepting without looking: it stood before this process did. */
  trust(ip: string, port: number): void {
    this.#set(ip, port, "open");
  }

  /** The address may be another pod's tomorrow. */
  forget(ip: string): void {
    this.#states.delete(ip);
  }

  #set(ip: string, port: number, state: State): void {
    const ports = this.#states.get(ip);
    if (ports === undefined) this.#states.set(ip, new Map([[port, state]]));
    else ports.set(port, state);
  }

  async #look(ip: string, port: number, untilMs: number): Promise<void> {
    const accepts = await this.#probe(ip, port, PROBE_MS);
    if (this.#states.get(ip)?.get(port) !== "waiting") return;
    if (accepts || this.#clock.monotonic() >= untilMs) {
      this.#set(ip, port, "open");
      this.#onOpen();
      return;
    }
    this.#clock.after(RETRY_MS, () => void this.#look(ip, port, untilMs));
  }
}
