import { CriRuntime } from "./runtime.ts";
import type { StartSlots } from "./start-slots.ts";
import type { ContainerConfig, SandboxConfig } from "./types.ts";

/** Whoever is nearest to running goes first. */
const RANK = { start: 0, create: 1, sandbox: 2 } as const;

/**
 * A runtime that is asked to start only so much at once. A start is a dozen short processes that want the kernel's locks; forty
 * starts side by side take a tenth more of the processors than a few at a time, and the first is done as late as the last.
 */
export class PacedRuntime extends CriRuntime {
  readonly #slots: StartSlots;

  constructor(socket: string, slots: StartSlots) {
    super(socket);
    this.#slots = slots;
  }

  override runPodSandbox(config: SandboxConfig, handler?: string): Promise<string> {
    return this.#slots.run(RANK.sandbox, () => super.runPodSandbox(config, handler));
  }

  override createContainer(sandboxId: string, config: ContainerConfig, sandboxConfig: SandboxConfig): Promise<string> {
    return this.#slots.run(RANK.create, () => super.createContainer(sandboxId, config, sandboxConfig));
  }

  override startContainer(id: string): Promise<void> {
    return this.#slots.run(RANK.start, () => super.startContainer(id));
  }
}
