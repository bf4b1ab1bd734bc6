import { NAMESPACES } from "#api/builtin.ts";
import { statusError, StatusError } from "#apimachinery/status-error.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { forbidden } from "#apiserver/admission/plugins/attributes.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";

const IMMORTAL = new Set(["default", "kube-system", "kube-public"]);

/** Nothing is created in a namespace that is missing or going away, and some namespaces stay for ever. */
export function namespaceLifecycle(reader: ObjectReader): AdmissionPlugin {
  return {
    name: "NamespaceLifecycle",
    handles: ({ operation }) => operation !== "CONNECT",
    admit(attributes) {
      const { operation, resource, namespace } = attributes;
      if (resource.kind === "Namespace" && resource.group === "") return refuseImmortal(attributes);
      if (namespace === "" || operation === "DELETE" || isAccessReview(attributes)) return;
      const found = reader.lookup(NAMESPACES, "", namespace);
      if (found === undefined) throw statusError.notFound({ group: "", resource: "namespaces" }, namespace);
      if (operation === "CREATE" && found.status?.phase === "Terminating") throw terminating(attributes);
    },
  };
}

function refuseImmortal({ operation, subresource, name }: AdmissionAttributes): void {
  if (operation !== "DELETE" || subresource !== "" || !IMMORTAL.has(name)) return;
  throw statusError.forbidden({ group: "", resource: "namespaces" }, name, "this namespace may not be deleted");
}

/** Their answers must not tell whether a namespace exists. */
const isAccessReview = ({ resource }: AdmissionAttributes) => resource.group === "authorization.k8s.io" && resource.plural === "localsubjectaccessreviews";

function terminating(attributes: AdmissionAttributes): StatusError {
  const { namespace } = attributes;
  const { status } = forbidden(attributes, `unable to create new content in namespace ${namespace} because it is being terminated`);
  const cause = { reason: "NamespaceTerminating", message: `namespace ${namespace} is being terminated`, field: "metadata.namespace" };
  return new StatusError({ ...status, details: { ...status.details, causes: [cause] } });
}
