import type { TokenRequest } from "#api/authentication-v1/types.ts";
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS } from "#api/builtin.ts";
import type { Pod } from "#api/core-v1/types.ts";
import { builtin } from "#api/resources.ts";
import type { CSIDriver } from "#api/storage-v1/types.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";
import { forbidden } from "#apiserver/admission/plugins/attributes.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";

export interface TokenCheckDeps {
  readonly reader: ObjectReader;
  readonly authorizer: Authorizer;
}

const CSI_DRIVERS = builtin<CSIDriver>("storage.k8s.io", "v1", "csidrivers");

/** A node gets tokens for pods that run on it, and nothing without a pod. */
export function checkToken(attributes: AdmissionAttributes, node: string, { reader, authorizer }: TokenCheckDeps): void {
  const { operation, subresource, namespace, name, user } = attributes;
  if (operation !== "CREATE" || subresource !== "token") return;
  const { boundObjectRef: ref, audiences: asked } = (attributes.object as unknown as TokenRequest).spec ?? {};
  if (!ref || ref.apiVersion !== "v1" || ref.kind !== "Pod" || !ref.name) throw forbidden(attributes, "node requested token not bound to a pod");
  if (!ref.uid) throw forbidden(attributes, "node requested token with a pod binding without a uid");
  const pod = reader.lookup(PODS, namespace, ref.name);
  if (pod === undefined) throw statusError.notFound({ group: "", resource: "pods" }, ref.name);
  if (ref.uid !== pod.metadata.uid) {
    const why = "does not match the UID in record. The object might have been deleted and then recreated";
    throw forbidden(attributes, `the UID in the bound object reference (${ref.uid}) ${why}`);
  }
  if (pod.spec.nodeName !== node) throw forbidden(attributes, "node requested token bound to a pod scheduled on a different node");
  const audiences = asked ?? [];
  if (audiences.length > 1) throw forbidden(attributes, "node may only request 0 or 1 audiences");
  const [audience = ""] = audiences;
  if (audiencesOf(pod, reader).includes(audience)) return;
  const right = { user, verb: "request-serviceaccounts-token-audience", group: "", version: "v1", plural: audience, subresource: "", namespace, name };
  if (authorizer.authorize(right).allowed) return;
  const why = `audience ${JSON.stringify(audience)} not found in pod spec volume, ${user.name} is not authorized to request tokens for this audience`;
  throw forbidden(attributes, why);
}

/** Whom tokens in a pod's volumes are for; `""` is the server itself. */
function audiencesOf({ metadata, spec }: Pod, reader: ObjectReader): string[] {
  const { namespace = "" } = metadata;
  return (spec.volumes ?? []).flatMap(({ name, projected, csi, persistentVolumeClaim, ephemeral }) => {
    const claim = persistentVolumeClaim?.claimName ?? (ephemeral === undefined ? undefined : `${metadata.name}-${name}`);
    const driver = csi?.driver ?? (claim === undefined ? undefined : driverOf(namespace, claim, reader));
    const asked = driver === undefined ? [] : (reader.lookup(CSI_DRIVERS, "", driver)?.spec?.tokenRequests ?? []);
    const tokens = (projected?.sources ?? []).flatMap(({ serviceAccountToken }) =>
      serviceAccountToken === undefined ? [] : (serviceAccountToken.audience ?? ""),
    );
    return [...tokens, ...asked.map(({ audience }) => audience)];
  });
}

function driverOf(namespace: string, claim: string, reader: ObjectReader): string | undefined {
  const volume = reader.lookup(PERSISTENT_VOLUME_CLAIMS, namespace, claim)?.spec?.volumeName;
  return volume === undefined ? undefined : reader.lookup(PERSISTENT_VOLUMES, "", volume)?.spec?.csi?.driver;
}
