import type { StoreEvent } from "./store.ts";

export type Sink = (events: readonly StoreEvent[]) => void;

/** Hands events to the watches of one store. A sink that throws is a bug: the process hears of it, the others go on. */
export class WatchHub {
  readonly #watches = new Set<{ readonly prefix: string; readonly sink: Sink }>();

  get size(): number {
    return this.#watches.size;
  }

  add(prefix: string, sink: Sink): { stop(): void } {
    const watch = { prefix, sink };
    this.#watches.add(watch);
    return { stop: () => void this.#watches.delete(watch) };
  }

  publish(events: readonly StoreEvent[]): void {
    if (events.length === 0) return;
    const watches = Array.from(this.#watches); // a watch that begins meanwhile has read these events from the history
    for (const watch of watches) {
      if (!this.#watches.has(watch)) continue;
      const { prefix, sink } = watch;
      const wanted = events.every(({ key }) => key.startsWith(prefix)) ? events : events.filter(({ key }) => key.startsWith(prefix));
      if (wanted.length === 0) continue;
      try {
        sink(wanted);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  clear(): void {
    this.#watches.clear();
  }
}

/** A watch may start after a revision that is still to come, when its caller learnt of that elsewhere. */
export function sinkAfter(afterRevision: number, sink: Sink): Sink {
  return (events) => {
    const wanted = events.filter(({ revision }) => revision > afterRevision);
    if (wanted.length > 0) sink(wanted);
  };
}
