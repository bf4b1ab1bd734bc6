import type { ParamKind, ParamRef } from "#api/admissionregistration-v1/types.ts";
import { type ResourceInfo, type Resource, apiVersionOf } from "#api/resources.ts";
import { selectorOf } from "#apimachinery/label-selector.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";

/** What a policy's parameters are, `undefined` for a policy without; @throws {Error} for a kind that is not served */
export function paramResource(kind: ParamKind | undefined, served: readonly ResourceInfo[]): ResourceInfo | undefined {
  if (kind === undefined) return undefined;
  const found = served.find((info) => info.kind === kind.kind && apiVersionOf(info) === kind.apiVersion);
  if (found !== undefined) return found;
  const version = kind.apiVersion?.includes("/") ? kind.apiVersion : `/${kind.apiVersion}`;
  throw new Error(`failed to find resource referenced by paramKind: '${version}, Kind=${kind.kind}'`);
}

/**
 * The parameters with which a binding has its policy evaluated, each by itself; `undefined` stands for none.
 *
 * @throws {Error} when there have to be some, or the reference cannot be
 * @see kubernetes staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/generic/policy_dispatcher.go CollectParams
 */
export function paramsOf(
  resource: ResourceInfo | undefined,
  ref: ParamRef | undefined,
  namespace: string,
  reader: ObjectReader,
): readonly (KubeObject | undefined)[] {
  if (resource === undefined || ref === undefined) return [undefined];
  const within = resource.namespaced ? (ref.namespace ?? "") || namespace : "";
  if (resource.namespaced && within === "") throw new Error("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources");
  if (!resource.namespaced && (ref.namespace ?? "") !== "") throw new Error("paramRef.namespace must not be provided for a cluster-scoped `paramKind`");
  const found = named(resource, ref, within, reader);
  if (found.length === 0 && ref.parameterNotFoundAction === "Deny") throw new Error("no params found for policy binding with `Deny` parameterNotFoundAction");
  return found.map((param) => ({ kind: resource.kind, apiVersion: apiVersionOf(resource), ...param }));
}

function named(resource: Resource, { name = "", selector }: ParamRef, namespace: string, reader: ObjectReader): readonly KubeObject[] {
  if (name === "") return reader.list(resource, namespace).filter(({ metadata }) => selectorOf(selector).matches(metadata.labels));
  const found = reader.lookup(resource, namespace, name);
  return found === undefined ? [] : [found];
}
