/**
 * Waits for all of `work`, also when some of it fails: afterwards nothing is under way that could meet a second attempt.
 *
 * @throws the first failure, in the order given
 */
export async function allDone<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
