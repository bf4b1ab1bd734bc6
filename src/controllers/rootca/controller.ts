import { isDeepStrictEqual } from "node:util";

import { CONFIG_MAPS, NAMESPACES } from "#api/builtin.ts";
import type { ConfigMap } from "#api/core-v1/types.ts";
import type { ObjectKey } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";

const NAME = "kube-root-ca.crt";
const DESCRIPTION =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. " +
  "No other usage is guaranteed across distributions of Kubernetes clusters.";
const ANNOTATIONS = { "kubernetes.io/description": DESCRIPTION };

/** Publishes the cluster's root certificate in every namespace. */
export function startRootCa(deps: ControllerDeps, rootCa: string): void {
  const namespaces = deps.informers.informer(NAMESPACES);
  const published = deps.informers.informer(CONFIG_MAPS, {}, { fieldSelector: `metadata.name=${NAME}` });
  const data = { "ca.crt": rootCa };
  const sync = async (key: ObjectKey) => {
    const namespace = namespaces.get(key);
    if (namespace === undefined || namespace.status?.phase === "Terminating" || namespace.metadata.deletionTimestamp !== undefined) return;
    const current = published.get(`${key}/${NAME}`);
    try {
      if (current === undefined) await deps.client.create(CONFIG_MAPS, { metadata: { namespace: key, name: NAME, annotations: ANNOTATIONS }, data });
      else if (!isAsWanted(current, data))
        await deps.client.update(CONFIG_MAPS, {
          ...current,
          data,
          metadata: { ...current.metadata, annotations: { ...current.metadata.annotations, ...ANNOTATIONS } },
        });
    } catch (error) {
      if (isStatus(error, "AlreadyExists") || (isStatus(error) && error.hasCause("NamespaceTerminating"))) return;
      throw error;
    }
  };
  const queue = queueFor(deps, { name: "rootca", sync });
  namespaces.onChange({ added: ({ metadata }) => queue.add(metadata.name), updated: ({ metadata }) => queue.add(metadata.name) });
  const enqueue = ({ metadata }: ConfigMap) => queue.add(metadata.namespace ?? "");
  published.onChange({ updated: enqueue, deleted: enqueue });
}

function isAsWanted({ metadata, data }: ConfigMap, wanted: Readonly<Record<string, string>>): boolean {
  return isDeepStrictEqual(data, wanted) && (metadata.annotations?.["kubernetes.io/description"] ?? "") !== "";
}
