import { apiVersionOf, type Resource } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { IndexFunction, Informer, InformerFactory, Scope } from "#client/informer.ts";
import type { ReflectorDeps } from "#client/reflector.ts";
import { SharedInformer } from "#client/shared-informer.ts";

/** Starts an informer when it is first asked for, and shares it from then on. */
export class SharedInformerFactory implements InformerFactory {
  readonly #deps: ReflectorDeps;
  readonly #informers = new Map<string, SharedInformer<KubeObject>>();

  constructor(deps: ReflectorDeps) {
    this.#deps = deps;
  }

  informer<T extends KubeObject>(resource: Resource<T>, indexes: Readonly<Record<string, IndexFunction<T>>> = {}, scope: Scope = {}): Informer<T> {
    const key = keyFor(resource, scope);
    let informer = this.#informers.get(key) as SharedInformer<T> | undefined;
    if (informer !== undefined) {
      informer.addIndexes(indexes);
      return informer;
    }
    informer = new SharedInformer(resource, scope, this.#deps);
    informer.addIndexes(indexes);
    this.#informers.set(key, informer as unknown as SharedInformer<KubeObject>);
    informer.start();
    return informer;
  }

  /** The informer for all objects of a resource, if anybody has asked for it. */
  known(resource: Resource): Informer<KubeObject> | undefined {
    return this.#informers.get(keyFor(resource, {}));
  }

  async synced(): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.synced));
  }

  stop(): void {
    for (const informer of this.#informers.values()) informer.stop();
    this.#informers.clear();
  }
}

function keyFor(resource: Resource, { namespace = "", labelSelector = "", fieldSelector = "" }: Scope): string {
  return `${apiVersionOf(resource)}|${resource.plural}|${namespace}|${labelSelector}|${fieldSelector}`;
}
