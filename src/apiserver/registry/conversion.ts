import { deepFreeze, type KubeObject } from "#apimachinery/object.ts";
import type { StructSchema } from "#apimachinery/schema/schema.ts";
import type { CachedObject } from "#apiserver/cache/cached-object.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";

/** How one version shows what is stored as others, where only a program outside of this process knows how. */
export interface Conversion {
  /** The state in this version: itself where it is of it, else what {@link prepare} has made of it. */
  known(state: CachedObject): CachedObject | undefined;
  /**
   * Has states converted, all that are not known yet in one call.
   *
   * @throws {StatusError} 500 in upstream's words
   */
  prepare(states: readonly CachedObject[]): Promise<void>;
  /** @throws {StatusError} 500 */
  toStored(object: KubeObject): Promise<KubeObject>;
  /** Any object of the kind in a version: `""` for the stored one. @throws {StatusError} 500 */
  convert(objects: readonly KubeObject[], version: string): Promise<readonly KubeObject[]>;
  /** By which owners' fields are compared in a version; `undefined` for one that there is not. */
  schemaOf(apiVersion: string): StructSchema | undefined;
}

/** Where a webhook converts a resource's versions: its states must be seen to before its view can show them. */
export const conversionOf = ({ custom }: ServedResource): Conversion | undefined => custom?.conversion;

/** A stored state that the resource's view can show. */
export async function viewable(served: ServedResource, state: CachedObject): Promise<CachedObject> {
  const conversion = conversionOf(served);
  if (conversion === undefined) return state;
  const known = conversion.known(state);
  if (known !== undefined) return known;
  await conversion.prepare([state]);
  return conversion.known(state)!;
}

/** What is stored for an object of the served version. */
export function storedForm(served: ServedResource, object: KubeObject): KubeObject | Promise<KubeObject> {
  if (served.view === undefined) return object;
  return conversionOf(served)?.toStored(object) ?? served.view.toStored(object);
}

/** A state in another version than the stored one. */
export class ConvertedState implements CachedObject {
  readonly key: string;
  readonly revision: number;
  readonly object: KubeObject;
  #json: Buffer | undefined;

  constructor({ key, revision }: Pick<CachedObject, "key" | "revision">, object: KubeObject) {
    this.key = key;
    this.revision = revision;
    this.object = object;
  }

  get json(): Buffer {
    return (this.#json ??= Buffer.from(JSON.stringify(this.object)));
  }
}

/** The same state under the revision of its deletion, or of its leaving a selection. */
export function departedAt(state: CachedObject, revision: number): CachedObject {
  const { object } = state;
  return new ConvertedState({ key: state.key, revision }, deepFreeze({ ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } }));
}
