import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import type { Runtime } from "#kubelet/cri/runtime.ts";
import { mountsBelow } from "#kubelet/volume/volume-manager.ts";
import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import { runCommand } from "#lib/run-command.ts";

import { endLeases } from "./leases.ts";
import { idleNamespaces, namespaceDir, networkedSandboxes, type NetworkPaths, releaseNetwork } from "./pod-networks.ts";
import { killTree, shimsOf } from "./processes.ts";

export interface SweeperDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** For the network's plugins. */
  readonly env: NodeJS.ProcessEnv;
}

/** What a sandbox can leave on the machine when the runtime that made it does not come to tell of it. */
type Kind = "shim" | "task" | "network" | "namespace";

interface Leftover {
  readonly kind: Kind;
  /** A sandbox's or container's id; of a namespace, its name. */
  readonly id: string;
}

/** The runtime takes less than this for a sandbox: what it does not tell of any later is nobody's. */
const PATIENCE_MS = 300_000;
const TASK_DIR = "io.containerd.runtime.v2.task/k8s.io";
/** What runc knows of its containers; a folder that all containerds of a machine share. */
const RUNC_DIR = "/run/containerd/runc/k8s.io";

/**
 * Finds and removes what the runtime has made and does not know of, because it was killed meanwhile: shims with what runs
 * below them, network namespaces with the devices in them, addresses, ports. What it is just making is not to be touched:
 * that cannot be older than the runtime's process, nor unknown for long.
 */
export class Sweeper {
  readonly #config: NetworkPaths;
  readonly #deps: SweeperDeps;
  /** When a runtime was seen to be down whose calls have not been made an end of. */
  #downAtMs: number | undefined;
  /** Made by a runtime that is no more. */
  #old: ReadonlySet<string> = new Set();
  /** Since when the runtime has not told of a thing, in the clock's monotonic milliseconds. */
  readonly #unknownSinceMs = new Map<string, number>();

  constructor(config: NetworkPaths, deps: SweeperDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  /** To be called when no runtime runs, before one is started. */
  runtimeIsDown(): void {
    this.#downAtMs = this.#deps.clock.now();
    this.#old = new Set(this.#present().map(keyOf));
  }

  /** Whether there is something of a runtime that is no more. */
  get isSuspicious(): boolean {
    return this.#old.size > 0;
  }

  /** Removes what belongs to nobody. */
  async sweep(runtime: Pick<Runtime, "listPodSandboxes" | "listContainers">): Promise<void> {
    // Looked up first: what is made meanwhile is none of it.
    const present = this.#present();
    this.#old = this.#old.intersection(new Set(present.map(keyOf)));
    const known = new Set([...(await runtime.listPodSandboxes()), ...(await runtime.listContainers())].map(({ id }) => id));
    const unknown = present.filter(({ kind, id }) => kind === "namespace" || !known.has(id));
    await this.#endCalls();
    const keys = new Set(unknown.map(keyOf));
    for (const key of this.#unknownSinceMs.keys()) if (!keys.has(key)) this.#unknownSinceMs.delete(key);
    for (const leftover of unknown) if (this.#isNobodys(keyOf(leftover))) await this.#remove(leftover);
  }

  async #endCalls(): Promise<void> {
    if (this.#downAtMs === undefined) return;
    const { log } = this.#deps;
    try {
      const count = await endLeases(this.#config.containerd.socket, this.#downAtMs);
      this.#downAtMs = undefined;
      if (count > 0) log.info("calls of a killed runtime forgotten", { count });
    } catch (error) {
      log.warn("calls of a killed runtime cannot be forgotten", { error });
    }
  }

  #isNobodys(key: string): boolean {
    const nowMs = this.#deps.clock.monotonic();
    const sinceMs = this.#unknownSinceMs.get(key) ?? nowMs;
    this.#unknownSinceMs.set(key, sinceMs);
    return this.#old.has(key) || nowMs - sinceMs >= PATIENCE_MS;
  }

  /** In the order in which they are to be removed. */
  #present(): Leftover[] {
    const { containerd } = this.#config;
    const list = (kind: Kind, ids: readonly string[]) => ids.map((id) => ({ kind, id }));
    return [
      ...list(
        "shim",
        shimsOf(containerd.socket).map(({ id }) => id),
      ),
      ...list("task", namesIn(join(containerd.state, TASK_DIR))),
      ...list("network", networkedSandboxes(this.#config)),
      ...list("namespace", idleNamespaces(this.#config)),
    ];
  }

  async #remove(leftover: Leftover): Promise<void> {
    const { kind, id } = leftover;
    const { log } = this.#deps;
    try {
      if (kind === "shim") this.#endShim(id);
      else if (kind === "task") await this.#removeTask(id);
      else if (kind === "network") await releaseNetwork(this.#config, id, { env: this.#deps.env, run: this.#run });
      else await this.#removeNamespace(id);
      log.info("leftover of a killed runtime removed", { kind, id });
    } catch (error) {
      log.warn("leftover of a killed runtime cannot be removed", { kind, id, error });
    }
  }

  #endShim(id: string): void {
    for (const shim of shimsOf(this.#config.containerd.socket)) if (shim.id === id) killTree(shim.pid);
  }

  async #removeTask(id: string): Promise<void> {
    const { state, root } = this.#config.containerd;
    const dirs = [state, root].map((dir) => join(dir, TASK_DIR, id));
    for (const dir of dirs) await this.#unmountBelow(dir);
    for (const dir of [join(RUNC_DIR, id), ...dirs]) rmSync(dir, { recursive: true, force: true });
  }

  async #removeNamespace(name: string): Promise<void> {
    // It may be in use by now, if what it waited for came late.
    if (!idleNamespaces(this.#config).includes(name)) return;
    const file = join(namespaceDir(this.#config), name);
    await this.#unmountBelow(file);
    rmSync(file, { force: true });
  }

  async #unmountBelow(dir: string): Promise<void> {
    for (const mountPoint of mountsBelow(dir)) await this.#run("umount", ["-l", mountPoint]);
  }

  readonly #run = (file: string, args: readonly string[], options = {}) => runCommand(this.#deps.clock, file, args, options);
}

const keyOf = ({ kind, id }: Leftover): string => `${kind} ${id}`;

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
