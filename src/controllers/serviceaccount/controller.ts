import { NAMESPACES, SERVICE_ACCOUNTS } from "#api/builtin.ts";
import type { ObjectKey } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";

const NAME = "default";

/** Gives every active namespace its `default` service account, and makes it anew when it is deleted. */
export function startServiceAccounts(deps: ControllerDeps): void {
  const namespaces = deps.informers.informer(NAMESPACES);
  const accounts = deps.informers.informer(SERVICE_ACCOUNTS);
  const sync = async (key: ObjectKey) => {
    const namespace = namespaces.get(key);
    if (namespace === undefined || namespace.status?.phase === "Terminating" || namespace.metadata.deletionTimestamp !== undefined) return;
    if (accounts.get(`${key}/${NAME}`) !== undefined) return;
    try {
      await deps.client.create(SERVICE_ACCOUNTS, { metadata: { namespace: key, name: NAME } });
    } catch (error) {
      if (isStatus(error, "AlreadyExists") || (isStatus(error) && error.hasCause("NamespaceTerminating"))) return;
      throw error;
    }
  };
  const queue = queueFor(deps, { name: "serviceaccounts", sync });
  namespaces.onChange({ added: ({ metadata }) => queue.add(metadata.name), updated: ({ metadata }) => queue.add(metadata.name) });
  accounts.onChange({
    deleted: ({ metadata: { namespace, name } }) => {
      if (namespace !== undefined && name === NAME) queue.add(namespace);
    },
  });
}
