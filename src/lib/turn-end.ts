/** Calls `run` after all that runs in this turn of the event loop, promises' continuations included, and before the next. */
export function atTurnEnd(run: () => void): void {
  queueMicrotask(() => process.nextTick(run)); // what is to happen next waits for the last microtask
}
