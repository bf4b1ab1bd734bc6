import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from "#api/builtin.ts";
import type { PersistentVolume } from "#api/core-v1/types.ts";
import { builtin } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import { NodePods } from "#apiserver/authz/node-pods.ts";
import { podClaimNames, podRefersTo, type ReferredKind, volumeSecrets } from "#apiserver/authz/pod-references.ts";
import { cacheReader } from "#apiserver/cache/cache-reader.ts";
import type { WatchCache } from "#apiserver/cache/watch-cache.ts";
import { storageKey, storagePrefix } from "#apiserver/registry/resource-table.ts";

interface OfNode extends KubeObject {
  readonly spec?: { readonly nodeName?: string };
}

const PODS = storagePrefix("", "pods");
const VOLUME_ATTACHMENTS = builtin<OfNode>("storage.k8s.io", "v1", "volumeattachments");
const RESOURCE_SLICES = builtin<OfNode>("resource.k8s.io", "v1", "resourceslices");
const REMEMBERED = 10_000;

/**
 * What objects have to do with a node: `node ← pod ← secret`, `node ← pod ← claim ← volume ← secret` and the like. Nothing
 * is kept but which pods are where, and which pod answered last time; the rest is looked up.
 */
export class NodeRelations {
  readonly #pods: NodePods;
  readonly #reader: ObjectReader;
  /** Which pod a node was allowed something by: most ask for the same again. */
  readonly #by = new Map<string, string>();

  constructor(cache: WatchCache) {
    this.#pods = new NodePods(cache);
    this.#reader = cacheReader(cache);
  }

  hasPod(node: string, namespace: string, name: string): boolean {
    return this.#pods.get(storageKey(PODS, namespace, name), node) !== undefined;
  }

  /** Whether a pod on the node refers to the object, or for a secret, a volume of such a pod. */
  refersTo(node: string, kind: ReferredKind, namespace: string, name: string): boolean {
    const question = `${node} ${kind} ${namespace}/${name}`;
    const before = this.#by.get(question);
    const known = before === undefined ? undefined : this.#pods.get(before, node);
    if (known !== undefined && podRefersTo(known, kind, name)) return true;
    for (const pod of this.#pods.of(node, namespace)) {
      if (!podRefersTo(pod, kind, name)) continue;
      if (this.#by.size >= REMEMBERED) this.#by.clear();
      this.#by.set(question, storageKey(PODS, namespace, pod.metadata.name));
      return true;
    }
    return kind === "secrets" && this.#mountsBySecret(node, namespace, name);
  }

  /** Whether a pod on the node uses the claim that the volume is bound to. */
  hasVolume(node: string, name: string): boolean {
    const claim = this.#reader.lookup(PERSISTENT_VOLUMES, "", name)?.spec?.claimRef;
    return claim !== undefined && this.refersTo(node, "persistentvolumeclaims", claim.namespace ?? "", claim.name ?? "");
  }

  hasAttachment(node: string, name: string): boolean {
    return this.#reader.lookup(VOLUME_ATTACHMENTS, "", name)?.spec?.nodeName === node;
  }

  hasSlice(node: string, name: string): boolean {
    return this.#reader.lookup(RESOURCE_SLICES, "", name)?.spec?.nodeName === node;
  }

  #mountsBySecret(node: string, namespace: string, name: string): boolean {
    for (const pod of this.#pods.of(node, "")) {
      for (const claim of podClaimNames(pod)) {
        const volume = this.#boundVolume(pod.metadata.namespace ?? "", claim);
        if (volume !== undefined && volumeSecrets(volume).some((secret) => secret.namespace === namespace && secret.name === name)) return true;
      }
    }
    return false;
  }

  /** Both sides must say that they belong together. */
  #boundVolume(namespace: string, claim: string): PersistentVolume | undefined {
    const { volumeName = "" } = this.#reader.lookup(PERSISTENT_VOLUME_CLAIMS, namespace, claim)?.spec ?? {};
    const volume = volumeName === "" ? undefined : this.#reader.lookup(PERSISTENT_VOLUMES, "", volumeName);
    const ref = volume?.spec?.claimRef;
    return ref?.namespace === namespace && ref.name === claim ? volume : undefined;
  }
}
