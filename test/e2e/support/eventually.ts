import { setTimeout as pause } from "node:timers/promises";

const PAUSE_MS = 100;

/** Calls `look` until it does not throw; after `limitMs` its last error is the answer. */
export async function eventually<T>(look: () => Promise<T> | T, limitMs = 30_000): Promise<T> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (performance.now() > endMs) throw error;
    }
    await pause(PAUSE_MS);
  }
}
