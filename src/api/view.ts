import type { KubeObject } from "#apimachinery/object.ts";
import type { Mutable, Strategy, SubresourceStrategy } from "#api/strategy.ts";

/** How one version of a kind shows objects that are stored as another's. */
export interface View {
  readonly stored: { readonly group: string; readonly plural: string; readonly kind: string; readonly apiVersion: string };
  toStored(object: KubeObject): KubeObject;
  fromStored(object: KubeObject): KubeObject;
}

/** The stored version's rules for objects of another one: they are checked, and kept from change, as the stored version would say them. */
export function strategyThrough(view: View, rules: Strategy, applyDefaults: Strategy["applyDefaults"]): Strategy {
  const { subresources, applyDefaults: _stored, ...others } = rules;
  return {
    ...others,
    ...(applyDefaults !== undefined && { applyDefaults }),
    ...through(view, rules),
    ...(subresources !== undefined && {
      subresources: Object.fromEntries(Object.entries(subresources).map(([name, each]) => [name, through(view, each) as SubresourceStrategy])),
    }),
  };
}

/** The members that look at objects, each given what the stored version makes of them. */
function through(view: View, rules: Strategy & SubresourceStrategy): Strategy {
  const stored = (object: KubeObject) => view.toStored(object);
  const { prepareForCreate, prepareForUpdate, canonicalize, validateCreate, validateUpdate, warningsOnCreate, warningsOnUpdate, generationFields } = rules;
  return {
    ...(prepareForCreate && { prepareForCreate: (object, context) => changeStored(view, object, (next) => prepareForCreate(next, context)) }),
    ...(prepareForUpdate && { prepareForUpdate: (object, old, context) => changeStored(view, object, (next) => prepareForUpdate(next, stored(old), context)) }),
    ...(canonicalize && { canonicalize: (object) => changeStored(view, object, canonicalize) }),
    ...(validateCreate && { validateCreate: (object) => validateCreate(stored(object)) }),
    ...(validateUpdate && { validateUpdate: (object, old) => validateUpdate(stored(object), stored(old)) }),
    ...(warningsOnCreate && { warningsOnCreate: (object) => warningsOnCreate(stored(object)) }),
    ...(warningsOnUpdate && { warningsOnUpdate: (object, old) => warningsOnUpdate(stored(object), stored(old)) }),
    ...(generationFields && { generationFields: (object) => generationFields(stored(object)) }),
  };
}

/** Changes the object as the stored version's own rule does; its metadata stays the same object, which others hold. */
function changeStored(view: View, object: Mutable<KubeObject>, change: (stored: Mutable<KubeObject>) => void): void {
  const next = structuredClone(view.toStored(object as KubeObject)) as Mutable<KubeObject>;
  change(next);
  const { metadata, ...rest } = view.fromStored(next as KubeObject);
  replaceMembers(object.metadata, metadata);
  replaceMembers(object, { metadata: object.metadata, ...rest });
}

function replaceMembers(target: object, source: object): void {
  for (const key of Object.keys(target)) if (!Object.hasOwn(source, key)) Reflect.deleteProperty(target, key);
  Object.assign(target, source);
}
