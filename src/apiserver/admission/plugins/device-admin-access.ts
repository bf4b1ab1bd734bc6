import { NAMESPACES } from "#api/builtin.ts";
import type { ResourceClaim, ResourceClaimTemplate } from "#api/resource-v1/types.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { AdmissionPlugin } from "#apiserver/admission/admission.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";

const LABEL = "resource.kubernetes.io/admin-access";
const WHY = `admin access to devices requires the \`${LABEL}: true\` label on the containing namespace`;

type Claim = ResourceClaim | ResourceClaimTemplate;

/**
 * Devices that others use may be looked into from namespaces only that administrators have marked so. Upstream asks that
 * where it validates, in the words of validation.
 *
 * @see kubernetes pkg/registry/resource/utils.go
 */
export function deviceAdminAccess(reader: ObjectReader): AdmissionPlugin {
  return {
    name: "DeviceAdminAccess",
    handles: ({ operation, resource: { group, plural }, subresource }) =>
      group === "resource.k8s.io" &&
      ((operation === "CREATE" && plural.startsWith("resourceclaim") && subresource === "") ||
        (operation === "UPDATE" && plural === "resourceclaims" && subresource === "status")),
    validate({ object, oldObject, subresource, namespace, resource }) {
      const path = subresource === "status" ? grantedPath(object as ResourceClaim, oldObject as ResourceClaim) : askedPath(object as Claim);
      if (path === undefined || reader.lookup(NAMESPACES, "", namespace)?.metadata.labels?.[LABEL] === "true") return;
      const errors: FieldError[] = [fieldError.forbidden(path, WHY)];
      throw statusError.invalid({ group: resource.group, kind: resource.kind }, object?.metadata.name ?? "", errors);
    },
  };
}

function askedPath({ spec }: Claim): FieldPath | undefined {
  const { devices } = "spec" in spec ? spec.spec : spec;
  const i = (devices?.requests ?? []).findIndex(({ exactly }) => exactly?.adminAccess === true);
  return i < 0 ? undefined : new FieldPath("spec.devices.requests").index(i).child("adminAccess");
}

/** What an allocation grants for the first time: it never changes after that. */
function grantedPath({ status }: ResourceClaim, old: ResourceClaim): FieldPath | undefined {
  const granted = (claim: ResourceClaim["status"] | undefined) =>
    (claim?.allocation?.devices.results ?? []).findIndex(({ adminAccess }) => adminAccess === true);
  const i = granted(old.status) < 0 ? granted(status) : -1;
  return i < 0 ? undefined : new FieldPath("status.allocation.devices.results").index(i).child("adminAccess");
}
