import { allDone } from "#lib/all-done.ts";

/**
 * Calls `run` `count` times, in batches of 1, 2, 4 …: what fails for all is not tried hundreds of times.
 *
 * @throws the first error of a batch; no further batch is begun
 */
export async function slowStart(count: number, run: () => Promise<void>): Promise<void> {
  for (let left = count, batch = 1; left > 0; left -= batch, batch *= 2) {
    const size = Math.min(batch, left);
    await allDone(Array.from({ length: size }, run));
  }
}
