import type * as older from "#api/extensions-v1beta1/types.ts";
import type * as newer from "#api/networking-v1/types.ts";
import type { KubeObject } from "#apimachinery/object.ts";

/**
 * An extensions/v1beta1 Ingress as networking.k8s.io/v1 says it: backends name services inside.
 *
 * @see kubernetes pkg/apis/extensions/v1beta1/conversion.go
 */
export function ingressToStored({ spec, ...ingress }: older.Ingress): newer.Ingress {
  const { backend, rules, ...rest } = spec ?? {};
  return {
    ...ingress,
    apiVersion: "networking.k8s.io/v1",
    spec: { ...rest, ...(backend && { defaultBackend: newerBackend(backend) }), ...(rules && { rules: rules.map(rule(newerBackend)) }) },
  } as newer.Ingress;
}

export function ingressFromStored({ spec, ...ingress }: newer.Ingress): older.Ingress {
  const { defaultBackend, rules, ...rest } = spec ?? {};
  return {
    ...ingress,
    apiVersion: "extensions/v1beta1",
    spec: { ...rest, ...(defaultBackend && { backend: olderBackend(defaultBackend) }), ...(rules && { rules: rules.map(rule(olderBackend)) }) },
  } as KubeObject as older.Ingress;
}

interface Rule<B> {
  readonly http?: { readonly paths?: readonly { readonly backend?: B }[] | undefined } | undefined;
}

const rule =
  <From, To>(convert: (backend: From) => To) =>
  (each: Rule<From>) => {
    if (each.http === undefined) return each;
    const paths = each.http.paths?.map((path) => ({ ...path, backend: convert(path.backend ?? ({} as From)) }));
    return { ...each, http: { ...each.http, ...(paths && { paths }) } };
  };

function newerBackend({ serviceName = "", servicePort = 0, ...rest }: older.IngressBackend): newer.IngressBackend {
  if (serviceName === "" && servicePort === 0) return rest;
  const port = typeof servicePort === "string" ? (servicePort === "" ? {} : { name: servicePort }) : servicePort === 0 ? {} : { number: servicePort };
  return { ...rest, service: { name: serviceName, port } };
}

/** A port that is not said is 0, as upstream's program has no other way to say so. */
function olderBackend({ service, ...rest }: newer.IngressBackend): older.IngressBackend {
  const { name = "", port } = service ?? {};
  return { ...(name !== "" && { serviceName: name }), servicePort: port?.name || (port?.number ?? 0), ...rest };
}
