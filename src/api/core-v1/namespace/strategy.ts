import type { Namespace } from "#api/core-v1/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";
import { nameIsDnsLabel } from "#apimachinery/validation/names.ts";

const NAME_LABEL = "kubernetes.io/metadata.name";
/** Holds the namespace until everything in it is gone. */
const KUBERNETES_FINALIZER = "kubernetes";

export const namespaceStrategy: Strategy<Namespace> = {
  validateName: nameIsDnsLabel,
  applyDefaults: labelWithName,
  prepareForCreate(namespace) {
    namespace.status = { phase: "Active" };
    const finalizers = (namespace.spec.finalizers ??= []);
    if (!finalizers.includes(KUBERNETES_FINALIZER)) finalizers.push(KUBERNETES_FINALIZER);
  },
  prepareForUpdate(namespace, old) {
    namespace.spec.finalizers = [...(old.spec.finalizers ?? [])];
  },
  selectableFields: ({ status }) => ({ "status.phase": status.phase ?? "" }),
  selectableFieldNames: ["status.phase"],
};

/** Selectors can so name a namespace by its name. */
function labelWithName({ metadata }: Mutable<Namespace>): void {
  if (metadata.name) (metadata.labels ??= {})[NAME_LABEL] = metadata.name;
}
