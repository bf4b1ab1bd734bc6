import type { Logger } from "#lib/logger.ts";

/**
 * `work` without two runs at the same time: calls during a run make for one more after it. Its failure is only told: what caused
 * it comes again.
 */
export function oneAtATime(work: () => Promise<void>, log: Logger): () => Promise<void> {
  let running: Promise<void> | undefined;
  let isDue = false;
  const runAll = async () => {
    while (isDue) {
      isDue = false;
      try {
        await work();
      } catch (error) {
        log.warn("housekeeping failed", { error });
      }
    }
    running = undefined;
  };
  return () => {
    isDue = true;
    return (running ??= runAll());
  };
}
