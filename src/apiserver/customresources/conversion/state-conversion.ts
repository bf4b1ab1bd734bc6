import { deepFreeze, type KubeObject } from "#apimachinery/object.ts";
import type { StructSchema } from "#apimachinery/schema/schema.ts";
import type { CachedObject } from "#apiserver/cache/cached-object.ts";
import { type Conversion, ConvertedState } from "#apiserver/registry/conversion.ts";

export interface StateConversionParts {
  readonly apiVersion: string;
  readonly storedVersion: string;
  /** What the JSON of this version's states mostly begins with. */
  readonly head: Buffer;
  /** The webhook's answer, for objects that have their own version's defaults, pruned by the other's schema. */
  readonly ask: (objects: readonly KubeObject[], apiVersion: string) => Promise<readonly KubeObject[]>;
  readonly schemaOf: Conversion["schemaOf"];
  /** Told of what was converted, for it is shown as it is. */
  readonly onConverted: (object: KubeObject) => void;
}

/**
 * The states of a kind in one version. Each is converted once and remembered for as long as the cache has it, as upstream's
 * watch cache of each version does.
 */
export class StateConversion implements Conversion {
  readonly #parts: StateConversionParts;
  readonly #converted = new WeakMap<CachedObject, CachedObject>();
  readonly #running = new WeakMap<CachedObject, Promise<void>>();

  constructor(parts: StateConversionParts) {
    this.#parts = parts;
  }

  known(state: CachedObject): CachedObject | undefined {
    return state instanceof ConvertedState || this.#isOwn(state) ? state : this.#converted.get(state);
  }

  async prepare(states: readonly CachedObject[]): Promise<void> {
    const missing = states.filter((state) => this.known(state) === undefined);
    if (missing.length === 0) return;
    const mine = missing.filter((state) => !this.#running.has(state));
    const others = missing.flatMap((state) => this.#running.get(state) ?? []);
    if (mine.length > 0) {
      const run = this.#run(mine).finally(() => mine.forEach((state) => this.#running.delete(state)));
      run.catch(() => {}); // told to those who wait below
      for (const state of mine) this.#running.set(state, run);
      others.push(run);
    }
    for (const each of new Set(others)) await each;
  }

  async toStored(object: KubeObject): Promise<KubeObject> {
    const { storedVersion } = this.#parts;
    if (object.apiVersion === storedVersion) return object;
    return (await this.#parts.ask([object], storedVersion))[0]!;
  }

  async convert(objects: readonly KubeObject[], version: string): Promise<readonly KubeObject[]> {
    const apiVersion = version === "" ? this.#parts.storedVersion : version;
    const others = objects.filter((object) => object.apiVersion !== apiVersion);
    if (others.length === 0) return objects;
    const converted = await this.#parts.ask(others, apiVersion);
    return objects.map((object) => (object.apiVersion === apiVersion ? object : converted[others.indexOf(object)]!));
  }

  schemaOf(apiVersion: string): StructSchema | undefined {
    return this.#parts.schemaOf(apiVersion);
  }

  async #run(states: readonly CachedObject[]): Promise<void> {
    const { apiVersion, ask, onConverted } = this.#parts;
    const converted = await ask(
      states.map(({ object }) => object),
      apiVersion,
    );
    states.forEach((state, i) => {
      const object = deepFreeze(converted[i]!);
      onConverted(object);
      this.#converted.set(state, new ConvertedState(state, object));
    });
  }

  #isOwn(state: CachedObject): boolean {
    const { head, apiVersion } = this.#parts;
    const { json } = state;
    return (json.length > head.length && head.compare(json, 0, head.length) === 0) || state.object.apiVersion === apiVersion;
  }
}
