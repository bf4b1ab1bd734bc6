import type { ResourceInfo } from "#api/resources.ts";
import { ALL_KINDS, apiVersionOf, DEFAULT_KINDS } from "#api/resources.ts";
import { kindSchema } from "#api/schema/table.ts";
import { strategyFor } from "#api/strategies.ts";
import type { Strategy } from "#api/strategy.ts";
import type { View } from "#api/view.ts";
import type { StructSchema } from "#apimachinery/schema/schema.ts";
import type { GroupResource } from "#apimachinery/status-error.ts";
import { commonRules } from "#apiserver/registry/common-rules.ts";
import type { CustomResource } from "#apiserver/registry/custom-resource.ts";
import { viewOf } from "#apiserver/registry/views.ts";

/** A resource that this server answers for, with all that the generic registry needs of it. */
export interface ServedResource {
  readonly info: ResourceInfo;
  readonly apiVersion: string;
  /** As texts name it. */
  readonly resource: GroupResource;
  readonly schema: StructSchema;
  readonly strategy: Strategy;
  /** Where its objects stand in the store, with a slash at the end. */
  readonly prefix: string;
  /** How the stored form becomes this version's; absent when they are the same. */
  readonly view: View | undefined;
  /** Another version in which the same objects are served. */
  readonly sibling?: ((apiVersion: string) => ServedResource | undefined) | undefined;
  /** What every stored object's JSON begins with: items of lists go without it. */
  readonly head: Buffer;
  readonly hasStatus: boolean;
  /** Of a custom resource: how its objects are read, shown and scaled. */
  readonly custom?: CustomResource | undefined;
  readonly verbs: ReadonlySet<string>;
}

/** @see kubernetes pkg/kubeapiserver/default_storage_factory_builder.go */
const SPECIAL_PREFIXES: Readonly<Record<string, string>> = {
  "/replicationcontrollers": "controllers",
  "/endpoints": "services/endpoints",
  "/nodes": "minions",
  "/services": "services/specs",
  "networking.k8s.io/ingresses": "ingress",
  "apiextensions.k8s.io/customresourcedefinitions": "apiextensions.k8s.io/customresourcedefinitions",
  "apiregistration.k8s.io/apiservices": "apiregistration.k8s.io/apiservices",
};

/** Where upstream keeps a resource's objects: `/registry/pods/`. */
export function storagePrefix(group: string, plural: string): string {
  const name = `${group}/${plural}`;
  if (group !== "" && !isBuiltin(name)) return `/registry/${name}/`;
  return `/registry/${SPECIAL_PREFIXES[name] ?? plural}/`;
}

let builtins: ReadonlySet<string> | undefined;

/** Custom resources stand below their group's name. */
function isBuiltin(name: string): boolean {
  builtins ??= new Set(ALL_KINDS.map(({ group, plural }) => `${group}/${plural}`));
  return builtins.has(name);
}

/** `/registry/pods/ns/name`, `/registry/minions/name`. */
export function storageKey(prefix: string, namespace: string, name: string): string {
  return namespace === "" ? prefix + name : `${prefix}${namespace}/${name}`;
}

/** What is served, by group, version and plural. */
export class ResourceTable {
  readonly #infos = new Map<string, ResourceInfo>();
  readonly #served = new Map<string, ServedResource>();
  #custom: ReadonlyMap<string, ServedResource> = new Map();
  #list: readonly ResourceInfo[] | undefined;
  /** Told when other resources are served than before. */
  onChange: (() => void) | undefined;
  #groups: ReadonlySet<string> | undefined;

  constructor(infos: readonly ResourceInfo[] = DEFAULT_KINDS) {
    for (const info of infos) this.#infos.set(`${info.group}/${info.version}/${info.plural}`, info);
  }

  /** The same list for as long as the same is served. */
  get infos(): readonly ResourceInfo[] {
    this.#list ??= [...this.#infos.values(), ...Array.from(this.#custom.values(), ({ info }) => info)];
    return this.#list;
  }

  /** Custom resources, as what is defined changes. */
  setCustom(resources: readonly ServedResource[]): void {
    const names = (all: readonly ServedResource[]) => all.map(({ info }) => keyOf(info)).join();
    const isChanged = names(resources) !== names(this.custom);
    this.#custom = new Map(resources.map((served) => [keyOf(served.info), served]));
    this.#list = undefined;
    if (isChanged) this.onChange?.();
  }

  get custom(): readonly ServedResource[] {
    return [...this.#custom.values()];
  }

  get(group: string, version: string, plural: string): ServedResource | undefined {
    const key = `${group}/${version}/${plural}`;
    const known = this.#served.get(key);
    if (known !== undefined) return known;
    const info = this.#infos.get(key);
    if (info === undefined) return this.#custom.get(key);
    const served: ServedResource = { ...serve(info), sibling: (apiVersion) => this.#sibling(served, apiVersion) };
    this.#served.set(key, served);
    return served;
  }

  /** Whether some of it is served without being defined by users. */
  hasOwn(group: string, version: string): boolean {
    for (const info of this.#infos.values()) if (info.group === group && info.version === version) return true;
    return false;
  }

  #sibling({ prefix, info }: ServedResource, apiVersion: string): ServedResource | undefined {
    const slash = apiVersion.indexOf("/");
    const [group, version] = slash < 0 ? ["", apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
    const other = this.get(group, version, info.plural);
    return other?.prefix === prefix ? other : undefined;
  }

  /** Whether all that is served of a group, if anything, is defined by users. */
  isForeign(group: string): boolean {
    this.#groups ??= new Set(Array.from(this.#infos.values(), (info) => info.group));
    return !this.#groups.has(group);
  }
}

const keyOf = ({ group, version, plural }: ResourceInfo) => `${group}/${version}/${plural}`;

function serve(info: ResourceInfo): ServedResource {
  const { group, version, kind, plural } = info;
  const schema = kindSchema(group, version, kind);
  if (schema === undefined) throw new Error(`no schema of ${group}/${version} ${kind}`);
  const apiVersion = apiVersionOf(info);
  const view = viewOf(info);
  const stored = view?.stored ?? { group, plural, kind, apiVersion };
  return {
    info,
    apiVersion,
    resource: { group: info.legacy === true ? stored.group : group, resource: plural },
    schema,
    strategy: { ...commonRules(stored.group, kind), ...strategyFor(group, kind, version) },
    prefix: storagePrefix(stored.group, stored.plural),
    view,
    head: Buffer.from(`{"kind":${JSON.stringify(stored.kind)},"apiVersion":${JSON.stringify(stored.apiVersion)},`),
    hasStatus: info.subresources.some(({ name }) => name === "status"),
    verbs: new Set(info.verbs),
  };
}
