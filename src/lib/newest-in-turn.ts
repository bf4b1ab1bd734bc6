/**
 * Does `work` for one value at a time; of those that come meanwhile only the newest is done, so the last one given is
 * the last one done.
 *
 * @param work must not reject
 */
export function newestInTurn<T>(work: (value: T) => Promise<void>): (value: T) => void {
  let waiting: { readonly value: T } | undefined;
  let isBusy = false;
  const run = async () => {
    isBusy = true;
    while (waiting !== undefined) {
      const { value } = waiting;
      waiting = undefined;
      await work(value);
    }
    isBusy = false;
  };
  return (value) => {
    waiting = { value };
    if (!isBusy) void run();
  };
}
