import { apiVersionOf, type ResourceInfo } from "#api/resources.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";
import type { Decodable } from "#apiserver/registry/body.ts";
import type { ResourceTable, ServedResource } from "#apiserver/registry/resource-table.ts";

/** A kind with its resource, as AdmissionReviews name them. */
export interface ReviewedKind {
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly resource: { readonly group: string; readonly version: string; readonly resource: string };
}

export function reviewedKind(resource: ResourceInfo, subresource: string): ReviewedKind {
  const { group, version, plural } = resource;
  const own = subresource === "" ? resource : (resource.subresources.find(({ name }) => name === subresource) ?? resource);
  return { kind: { group: own.group, version: own.version, kind: own.kind }, resource: { group, version, resource: plural } };
}

const storedAs = ({ info, view }: ServedResource) => `${view?.stored.group ?? info.group}/${view?.stored.plural ?? info.plural}`;

/** The groups and versions in which objects show themselves. */
export class Versions {
  readonly #resources: ResourceTable;
  /** What webhooks have converted, by the object and the version that it was converted to. */
  readonly #prepared = new WeakMap<KubeObject, Map<string, KubeObject>>();

  constructor(resources: ResourceTable) {
    this.#resources = resources;
  }

  /** Other resources for the same stored objects. */
  equivalentsOf(resource: ResourceInfo, subresource: string): readonly ResourceInfo[] {
    const own = this.#served(resource);
    if (own === undefined) return [];
    return this.#resources.infos.filter((info) => {
      if (info.kind !== resource.kind || (info.group === resource.group && info.version === resource.version)) return false;
      if (subresource !== "" && !info.subresources.some(({ name }) => name === subresource)) return false;
      if (!sameKind(reviewedKind(resource, subresource), reviewedKind(info, subresource), info)) return false;
      const other = this.#served(info);
      return other !== undefined && storedAs(other) === storedAs(own);
    });
  }

  /** Whether only a program outside of this process knows how a resource's versions differ. */
  needsPreparation(resource: ResourceInfo): boolean {
    return this.#served(resource)?.custom?.conversion !== undefined;
  }

  /**
   * Has objects of `from`'s version converted by their webhook, where there is one, so that {@link convert} can show them in `to`'s.
   *
   * @throws {StatusError} 500 when that fails
   */
  async prepare(objects: readonly (KubeObject | undefined)[], from: ResourceInfo, to: ResourceInfo): Promise<void> {
    const [own, other] = [this.#served(from), this.#served(to)];
    const conversion = own?.custom?.conversion ?? other?.custom?.conversion;
    if (from === to || conversion === undefined || other === undefined || !this.needsPreparation(from)) return;
    const given = objects.filter((object) => object !== undefined);
    const converted = await conversion.convert(given, other.apiVersion);
    given.forEach((object, i) => {
      const known = this.#prepared.get(object) ?? new Map<string, KubeObject>();
      this.#prepared.set(object, known.set(other.apiVersion, converted[i]!));
    });
  }

  /** An object of `from`'s version in `to`'s; what webhooks convert, must be prepared. */
  convert(object: KubeObject, from: ResourceInfo, to: ResourceInfo): KubeObject {
    const [own, other] = [this.#served(from), this.#served(to)];
    const prepared = other === undefined ? undefined : this.#prepared.get(object)?.get(other.apiVersion);
    if (prepared !== undefined) return prepared;
    if (from === to || own === undefined || other === undefined || own.apiVersion === other.apiVersion) return object;
    if (this.needsPreparation(from)) throw statusError.internal(`a ${own.info.kind} in ${own.apiVersion} was not converted to ${other.apiVersion}`);
    const stored = own.view === undefined ? object : own.view.toStored(object);
    return other.view === undefined ? { ...stored, apiVersion: other.apiVersion } : other.view.fromStored(stored);
  }

  /** How objects are decoded that a webhook has changed in `to`'s version. */
  decodable(attributes: AdmissionAttributes, to: ResourceInfo): Decodable | undefined {
    return to === attributes.resource ? attributes.decodes : this.#served(to);
  }

  #served({ group, version, plural }: ResourceInfo): ServedResource | undefined {
    return this.#resources.get(group, version, plural);
  }
}

/** The whole object, or a part of it in the same version: one Scale is not made into another's version. */
function sameKind({ kind: own }: ReviewedKind, { kind: other }: ReviewedKind, { kind }: ResourceInfo): boolean {
  return other.kind === own.kind && (own.kind === kind || (own.group === other.group && own.version === other.version));
}

/** The object with its type, which every form on the wire has. */
export function typed(object: KubeObject | undefined, { kind }: ReviewedKind): KubeObject | undefined {
  if (object === undefined || (object.kind !== undefined && object.apiVersion !== undefined)) return object;
  return { kind: kind.kind, apiVersion: apiVersionOf(kind), ...object };
}
