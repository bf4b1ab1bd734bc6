/** What goes wrong on the way must not keep the rest from being done; it is told of at the end. */
export class Problems {
  readonly #errors: unknown[] = [];

  async catch(work: () => void | Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#errors.push(error);
    }
  }

  throwFirst(): void {
    if (this.#errors.length > 0) throw this.#errors[0];
  }
}
