import { PODS } from "#api/builtin.ts";
import type { Pod } from "#api/core-v1/types.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";

/** @throws {StatusError} 404 */
export function podNamed(reader: ObjectReader, namespace: string, name: string): Pod {
  const pod = reader.lookup(PODS, namespace, name);
  if (pod === undefined) throw statusError.notFound({ group: "", resource: "pods" }, name);
  return pod;
}

/**
 * The container that a request is for. Nobody's annotation is asked: that is the clients' business.
 *
 * @param asked the query parameter
 * @throws {StatusError} 400
 */
export function containerOf({ metadata, spec }: Pod, asked: string | null): string {
  const main = spec.containers ?? [];
  const all = [...(spec.initContainers ?? []), ...main, ...(spec.ephemeralContainers ?? [])].map(({ name }) => name);
  if (asked) {
    if (!all.includes(asked)) throw statusError.badRequest(`container ${asked} is not valid for pod ${metadata.name}`);
    return asked;
  }
  if (main.length === 1) return main[0]!.name;
  throw statusError.badRequest(`a container name must be specified for pod ${metadata.name}, choose one of: [${all.join(" ")}]`);
}

/** @throws {StatusError} 400 for a pod that no node has yet */
export function nodeOf({ metadata, spec }: Pod): string {
  if (!spec.nodeName) throw statusError.badRequest(`pod ${metadata.name} does not have a host assigned`);
  return spec.nodeName;
}
