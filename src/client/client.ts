import type { Resource } from "#api/resources.ts";
import type { Draft, KubeList, KubeObject } from "#apimachinery/object.ts";
import type { CallOptions, PatchType, Transport, WatchCall, WatchSink } from "#client/transport.ts";

export interface ObjectRef {
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

type WriteOptions = Pick<CallOptions, "fieldManager" | "force" | "dryRun"> & { readonly subresource?: string };
type ListOptions = Omit<CallOptions, "fieldManager" | "force" | "dryRun"> & { readonly namespace?: string };

/** The API as components use it; every method throws a StatusError for what the API refuses. */
export class Client {
  readonly #transport: Transport;
  readonly #defaults: Pick<CallOptions, "fieldManager">;

  /** @param fieldManager the name under which writes are recorded in managed fields */
  constructor(transport: Transport, fieldManager?: string) {
    this.#transport = transport;
    this.#defaults = fieldManager === undefined ? {} : { fieldManager };
  }

  /** The same API, its writes recorded under another name. */
  as(fieldManager: string): Client {
    return new Client(this.#transport, fieldManager);
  }

  get<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, options?: CallOptions): Promise<T> {
    return this.#perform({ verb: "get", resource, ...ref, options });
  }

  list<T extends KubeObject>(resource: Resource<T>, { namespace, ...options }: ListOptions = {}): Promise<KubeList<T>> {
    return this.#perform({ verb: "list", resource, namespace, options });
  }

  create<T extends KubeObject>(resource: Resource<T>, object: Draft<T>, options: WriteOptions = {}): Promise<T> {
    const { namespace } = object.metadata as { namespace?: string };
    return this.#write({ verb: "create", resource, namespace, body: typed(resource, object) }, options);
  }

  /** Posts to a subresource: `pods/binding`, `pods/eviction`, `serviceaccounts/token`. */
  createSubresource<R>(resource: Resource, ref: ObjectRef, subresource: string, body: unknown): Promise<R> {
    return this.#write({ verb: "create", resource, ...ref, body }, { subresource });
  }

  update<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const { namespace, name } = object.metadata;
    return this.#write({ verb: "update", resource, namespace, name, body: typed(resource, object) }, options);
  }

  updateStatus<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    return this.update(resource, object, { subresource: "status" });
  }

  patch<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, patchType: PatchType, body: unknown, options: WriteOptions = {}): Promise<T> {
    return this.#write({ verb: "patch", resource, ...ref, patchType, body }, options);
  }

  async delete(resource: Resource, ref: ObjectRef, options: DeleteOptions = {}): Promise<void> {
    const body = { kind: "DeleteOptions", apiVersion: "v1", ...options };
    await this.#perform({ verb: "delete", resource, ...ref, body });
  }

  async deleteCollection(resource: Resource, { namespace, ...options }: ListOptions = {}, deletion: DeleteOptions = {}): Promise<void> {
    const body = { kind: "DeleteOptions", apiVersion: "v1", ...deletion };
    await this.#perform({ verb: "deletecollection", resource, namespace, body, options });
  }

  watch(call: WatchCall, sink: WatchSink): { stop(): void } {
    return this.#transport.watch(call, sink);
  }

  #write<R>(call: Parameters<Transport["perform"]>[0], { subresource, ...options }: WriteOptions): Promise<R> {
    return this.#perform({ ...call, subresource, options: { ...this.#defaults, ...options } });
  }

  #perform<R>(call: Parameters<Transport["perform"]>[0]): Promise<R> {
    return this.#transport.perform(call) as Promise<R>;
  }
}

/** Objects from lists carry no kind; a body needs one. */
function typed(resource: Resource, object: object): object {
  const apiVersion = resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
  return { apiVersion, kind: resource.kind, ...object };
}
