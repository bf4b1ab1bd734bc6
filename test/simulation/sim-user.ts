import type { Deployment, ReplicaSet } from "#api/apps-v1/types.ts";
import { DEPLOYMENTS, NAMESPACES, NODES, PODS, REPLICA_SETS, SERVICES } from "#api/builtin.ts";
import type { Node, Pod, Service } from "#api/core-v1/types.ts";
import type { Draft, KubeObject } from "#apimachinery/object.ts";
import type { Resource } from "#api/resources.ts";
import type { Client } from "#client/client.ts";

import { BROKEN_IMAGE } from "./sim-node.ts";
import type { Act, Shape } from "./program.ts";

export const TEAM = "team";
/** Names are few, so that things are made again under the name of what was there before. */
const PLACES = [
  { namespace: "default", name: "web" },
  { namespace: "default", name: "api" },
  { namespace: TEAM, name: "web" },
] as const;

type Place = (typeof PLACES)[number];
type UserAct = Extract<Act["do"], string>;

/** Whoever uses the cluster by its API: a person, a script. What the API refuses is no fault. */
export class SimUser {
  readonly #client: Client;
  #barePods = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  /** @returns whether the act was the user's to do */
  async act(act: Act): Promise<boolean> {
    const deed = (DEEDS as Partial<Record<UserAct, (user: SimUser, act: never) => Promise<unknown>>>)[act.do];
    if (deed === undefined) return false;
    await deed(this, act as never);
    return true;
  }

  get client(): Client {
    return this.#client;
  }

  /** The `which`-th of what stands there, those of system namespaces left out. */
  async some<T extends KubeObject>(resource: Resource<T>, which: number): Promise<T> {
    const { items } = await this.#client.list(resource);
    const own = items.filter(({ metadata }) => !(metadata.namespace ?? "").startsWith("kube-") && metadata.name !== "kubernetes");
    const found = own[which % Math.max(1, own.length)];
    if (found === undefined) throw new Error(`there is no ${resource.kind}`);
    return found;
  }

  nextBarePod(): string {
    return `bare-${this.#barePods++}`;
  }

  /**
   * Leaves only what can come to rest: rollouts that are paused, of an image that never works, or too large for the nodes would not.
   */
  async mend(): Promise<void> {
    for (const deployment of (await this.#client.list(DEPLOYMENTS)).items) {
      const { spec, metadata } = deployment;
      const isBroken = spec.template.spec.containers[0]?.image === BROKEN_IMAGE;
      const patch = {
        metadata: { annotations: { "deprecated.deployment.rollback.to": null } },
        spec: {
          paused: null,
          ...((spec.replicas ?? 1) > 3 && { replicas: 3 }),
          ...(isBroken && { template: { spec: { containers: [{ name: "main", image: "app:mended" }] } } }),
        },
      };
      await this.#client.patch(DEPLOYMENTS, metadata, "strategic", patch);
    }
    // Sets that belong to nobody stay as they are, so they must be such as can be.
    for (const set of (await this.#client.list(REPLICA_SETS)).items)
      if (!set.metadata.ownerReferences?.length) await this.#client.delete(REPLICA_SETS, set.metadata, { propagationPolicy: "Background" });
    for (const { metadata, spec } of (await this.#client.list(PODS)).items)
      if (!metadata.ownerReferences?.length && spec.containers[0]?.image === BROKEN_IMAGE) await this.#client.delete(PODS, metadata);
    for (const { metadata } of (await this.#client.list(NODES)).items) await this.#client.patch(NODES, metadata, "merge", { spec: { unschedulable: null } });
  }
}

function deploymentDraft({ namespace, name }: Place, shape: Shape): Draft<Deployment> {
  return {
    metadata: { namespace, name },
    spec: {
      replicas: shape.replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 5,
          containers: [{ name: "main", image: shape.image, resources: { requests: { cpu: `${shape.milliCpu}m` } } }],
        },
      },
      strategy: strategyOf(shape),
      minReadySeconds: shape.minReadySeconds,
      revisionHistoryLimit: 2,
      progressDeadlineSeconds: 120,
    },
  } as unknown as Draft<Deployment>;
}

function strategyOf({ recreate, maxSurge, maxUnavailable }: Shape): object {
  if (recreate) return { type: "Recreate", rollingUpdate: null };
  const bothNothing = maxSurge === 0 && maxUnavailable === 0;
  return { type: "RollingUpdate", rollingUpdate: { maxSurge: bothNothing ? 1 : maxSurge, maxUnavailable } };
}

const placeOf = (which: number): Place => PLACES[which % PLACES.length]!;
const byKind =
  <K extends UserAct>(run: (user: SimUser, act: Extract<Act, { readonly do: K }>) => Promise<unknown>) =>
  (user: SimUser, act: Extract<Act, { readonly do: K }>) =>
    run(user, act);

const patchDeployment = (user: SimUser, which: number, body: object) => user.client.patch(DEPLOYMENTS, placeOf(which), "strategic", body);
const patchNode = async (user: SimUser, which: number, body: object) => user.client.patch(NODES, (await user.some(NODES, which)).metadata, "strategic", body);

const DEEDS = {
  createDeployment: byKind<"createDeployment">((user, { which, shape }) => user.client.create(DEPLOYMENTS, deploymentDraft(placeOf(which), shape))),
  scale: byKind<"scale">((user, { which, replicas }) => patchDeployment(user, which, { spec: { replicas } })),
  image: byKind<"image">((user, { which, image }) => patchDeployment(user, which, { spec: { template: { spec: { containers: [{ name: "main", image }] } } } })),
  strategy: byKind<"strategy">((user, { which, shape }) =>
    patchDeployment(user, which, { spec: { strategy: strategyOf(shape), minReadySeconds: shape.minReadySeconds, replicas: shape.replicas } }),
  ),
  pause: byKind<"pause">((user, { which }) => patchDeployment(user, which, { spec: { paused: true } })),
  resume: byKind<"resume">((user, { which }) => patchDeployment(user, which, { spec: { paused: null } })),
  rollback: byKind<"rollback">((user, { which }) => patchDeployment(user, which, { metadata: { annotations: { "deprecated.deployment.rollback.to": "0" } } })),
  deleteDeployment: byKind<"deleteDeployment">((user, { which, policy }) => user.client.delete(DEPLOYMENTS, placeOf(which), { propagationPolicy: policy })),
  createService: byKind<"createService">((user, { which }) => user.client.create(SERVICES, serviceDraft(placeOf(which)))),
  deleteService: byKind<"deleteService">(async (user, { which }) => user.client.delete(SERVICES, (await user.some(SERVICES, which)).metadata)),
  retargetService: byKind<"retargetService">(async (user, { which }) =>
    user.client.patch(SERVICES, (await user.some(SERVICES, which)).metadata, "merge", { spec: { selector: { app: which % 2 === 0 ? "web" : "api" } } }),
  ),
  deleteSet: byKind<"deleteSet">(async (user, { which }) => user.client.delete(REPLICA_SETS, (await user.some<ReplicaSet>(REPLICA_SETS, which)).metadata)),
  deletePod: byKind<"deletePod">(async (user, { which }) => user.client.delete(PODS, (await user.some<Pod>(PODS, which)).metadata)),
  evictPod: byKind<"evictPod">(async (user, { which }) => evict(user, await user.some<Pod>(PODS, which))),
  relabelPod: byKind<"relabelPod">(async (user, { which }) => {
    const pod = await user.some<Pod>(PODS, which);
    const app = pod.metadata.labels?.["app"] === undefined ? "web" : null;
    return user.client.patch(PODS, pod.metadata, "merge", { metadata: { labels: { app } } });
  }),
  barePod: byKind<"barePod">((user, { which }) => {
    const labels = which % 2 === 0 ? { app: "web" } : { app: "bare" };
    const spec = { containers: [{ name: "main", image: "app:1", resources: { requests: { cpu: "50m" } } }] };
    return user.client.create(PODS, { metadata: { namespace: "default", name: user.nextBarePod(), labels }, spec } as unknown as Draft<Pod>);
  }),
  createNamespace: byKind<"createNamespace">((user) => user.client.create(NAMESPACES, { metadata: { name: TEAM } } as never)),
  deleteNamespace: byKind<"deleteNamespace">((user) => user.client.delete(NAMESPACES, { name: TEAM })),
  cordon: byKind<"cordon">((user, { which }) => patchNode(user, which, { spec: { unschedulable: true } })),
  uncordon: byKind<"uncordon">((user, { which }) => patchNode(user, which, { spec: { unschedulable: null } })),
  labelNode: byKind<"labelNode">((user, { which }) =>
    patchNode(user, which, { metadata: { labels: { "topology.kubernetes.io/zone": which % 3 === 0 ? "a" : "b" } } }),
  ),
  deleteNode: byKind<"deleteNode">(async (user, { which }) => user.client.delete(NODES, (await user.some<Node>(NODES, which)).metadata)),
  drain: byKind<"drain">(async (user, { which }) => {
    const { metadata } = await user.some<Node>(NODES, which);
    await user.client.patch(NODES, metadata, "strategic", { spec: { unschedulable: true } });
    const { items } = await user.client.list(PODS, { fieldSelector: `spec.nodeName=${metadata.name}` });
    for (const pod of items) await evict(user, pod);
  }),
};

function evict({ client }: SimUser, { metadata }: Pod): Promise<unknown> {
  const { name, namespace } = metadata;
  return client.createSubresource(PODS, metadata, "eviction", { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } });
}

function serviceDraft({ namespace, name }: Place): Draft<Service> {
  return { metadata: { namespace, name }, spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] } } as unknown as Draft<Service>;
}
